"""BikeManageApp: what the field staff report of a bike, applied to it synchronously. A supporting service."""
