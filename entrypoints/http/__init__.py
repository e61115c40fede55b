"""The HTTP API, the pages that a browser opens, and where providers send notices."""
