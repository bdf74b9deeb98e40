"""Billing: one bill per rent, from its start to the paid fee. A supporting service: rents and returns never wait for it."""
