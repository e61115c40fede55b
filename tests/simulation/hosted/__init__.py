"""Hosted: a provider of the other kind. It makes its own ids, and is honest in nothing else."""
