"""One page about one experiment: what it scored, how it was cut, where it fails, and what it is not for."""
