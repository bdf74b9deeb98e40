"""What takes several transactions, as a password is hashed or a letter is sent between them.

If it stops half-way, what was counted stops counting by itself: an attempt after a minute, a sign-up after an hour.
"""
