"""Adapters for services that share a process."""
