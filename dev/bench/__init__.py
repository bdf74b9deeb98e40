"""How fast the product is, beside the floors of the machine it runs on (`gbike bench`)."""
