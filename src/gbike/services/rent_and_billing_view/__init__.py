"""RentAndBillingView: a rider's rides, bills and deposit in one place, folded from what the others say (CQRS).

It asks nobody and is written by nobody: it keeps every event it was given, and can be folded anew from them.
"""
