"""A data folder: its manifest, its mode, its copies."""
