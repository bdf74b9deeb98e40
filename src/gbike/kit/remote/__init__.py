"""Peers in other processes, over HTTP."""
