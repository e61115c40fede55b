"""What verbs are made of: steps that use cases take, and that no entrypoint calls."""
