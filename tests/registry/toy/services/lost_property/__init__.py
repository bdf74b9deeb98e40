"""LostProperty: what riders find in a bike's basket."""
