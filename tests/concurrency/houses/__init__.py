"""The tables: a module per service, each with its HOUSE."""
