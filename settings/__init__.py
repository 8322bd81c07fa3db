"""What a field of Config may be, and every form of a scale factor."""
