"""Spans to whoever collects them, over OTLP/HTTP (opentelemetry-sdk)."""
