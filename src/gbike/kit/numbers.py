"""How large whole numbers may be."""

MAX_ID = 9_007_199_254_740_991
"""2**53 - 1: the largest whole number that every JSON client reads exactly; every column takes it."""
