"""From a command line to finished images."""
