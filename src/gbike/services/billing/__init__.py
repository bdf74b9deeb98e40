"""Billing: one bill per rent, from its start to the paid fee. Supporting: rents and returns never wait for it."""
