"""Exports spans over OTLP/HTTP (opentelemetry-sdk)."""
