"""Facts about bike_manage_app."""
