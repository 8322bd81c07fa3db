"""What an image tells of its own degradation: the blur kernel."""
