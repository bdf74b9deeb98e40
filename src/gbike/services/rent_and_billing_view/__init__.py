"""RentAndBillingView: a rider's rides, bills and deposit in one place, folded from what the others say (CQRS).

It asks nobody and is written by nobody: of every event it keeps what folding needs, and can be folded anew.
"""
