"""Facts about rent."""
