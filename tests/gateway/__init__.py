"""The gateway of the distributed form, on the real Envoy: what it passes on, and what it answers by itself."""
