"""What an image tells of its own blur and noise."""
