"""Accounts as an operator has them: `gbike up`, its first admin, its keys, and whose a data folder is."""
