"""Who did what: a row for each deed of money, staff and admins, chained to the one before it by its hash."""
