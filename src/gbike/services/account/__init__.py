"""Account: who people are and what they may do. Its numbers are the `userid` of all other services."""
