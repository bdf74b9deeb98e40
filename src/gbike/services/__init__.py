"""The services. None imports another: they speak through contracts and HTTP.

A service is its folder here, its file in gbike/contracts and a line below; whatever else knows it is made from them.
"""

NAMES = (
    "rent",
    "bike",
    "billing",
    "user_deposit",
    "rent_and_billing_view",
    "bike_manage_app",
    "bike_manager",
    "account",
)
"""In the order of their ports, which stay: a new one comes last."""
