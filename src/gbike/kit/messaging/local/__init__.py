"""The log of one process: a SQLite file."""
