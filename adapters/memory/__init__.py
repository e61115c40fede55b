"""The reference store: everything in dictionaries, for tests and for a first look."""
