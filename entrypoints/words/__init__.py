"""Sentences: what facts are called in the reader's language; only this room words a story."""
