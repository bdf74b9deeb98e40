"""Schemas grow by Alembic, expand first and contract later, so that two versions of a service may run side by side."""


class NoVersion(Exception):
    """The file holds rows and does not say which schema they are in."""
