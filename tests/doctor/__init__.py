"""What `gbike doctor` sees."""
