"""Facts about each service by itself; none of these tests knows another service, so they pass on its island too."""
