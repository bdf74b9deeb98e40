"""Schemas grow by Alembic, expand first and contract later, so that two versions of a service may run side by side."""
