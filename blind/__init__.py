"""What an image tells of its own degradation."""
