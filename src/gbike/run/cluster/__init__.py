"""`gbike cluster`: the distributed form on one machine: engines, gateway and services, each its own process."""
