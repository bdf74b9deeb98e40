"""Each flaw of the original that applies to this form has a test named for it, and a plant that makes it fail."""
