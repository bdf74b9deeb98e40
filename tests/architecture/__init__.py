"""The rules of the house, as tests: which way imports go, how large things may be, what must be documented."""
