"""gbike: a shared-bike platform of small services that agree through events."""
