"""gbike: a shared-bike platform of small services that agree through events."""

ABOUT = "Rent a shared bike, return it, and be billed for it."
