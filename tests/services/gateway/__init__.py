"""Facts about gateway."""
