"""UserDeposit: riders' money, as a double-entry ledger in whole won. A supporting service."""
