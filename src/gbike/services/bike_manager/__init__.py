"""BikeManager: the field staff and their points. A supporting service."""
