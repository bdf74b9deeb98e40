"""Facts about bike_manager."""
