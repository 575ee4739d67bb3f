"""Training: parts of a fold, the loop, systems behind one interface, experiments and their queue."""
