"""What learns from one image: the network, its pairs, its loop and its schedule."""
