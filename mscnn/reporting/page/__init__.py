"""Report page of one experiment: scores, protocol, errors, audit of the split, and model card."""
