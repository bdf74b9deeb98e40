"""Bike: what bikes there are, where, in which state, and whom each is reserved for. A core service."""
