"""What train and test of a protocol share, and what memorising it would earn."""
