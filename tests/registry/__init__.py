"""One registry: a service is its folder, its contracts and one line."""
