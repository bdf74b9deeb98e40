"""Facts about rent_and_billing_view."""
