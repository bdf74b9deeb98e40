"""Facts about bike."""
