"""One file a step, in the order of the numbers in their names."""
