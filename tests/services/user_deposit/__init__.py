"""Facts about user_deposit."""
