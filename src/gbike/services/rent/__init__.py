"""Rent: who rides which bike, from the wish to the return. A core service."""
