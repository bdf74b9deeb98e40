"""The services. None imports another: they speak through contracts and HTTP."""
