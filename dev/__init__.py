"""What only developers of gbike use: it stands beside the package in a checkout and is not in the wheel."""
