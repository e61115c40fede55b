"""The values and rules of paying, in the standard library alone."""
