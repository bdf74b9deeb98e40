"""Gateway: one door to all services. Its route table is the source of the in-process routing and of Envoy's."""
