"""The transport that plugins are given, over httpx."""
