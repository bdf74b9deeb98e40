"""The generators of schemas/ and of the generated pages of docs/: `make schemas`."""
