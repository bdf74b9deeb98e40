"""Personal data: what a store holds of a person, and erasure."""
