"""Facts about billing."""
