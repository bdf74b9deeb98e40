"""The simulator: the product's own services, unmodified, under a seeded event loop and a virtual clock."""
