"""How the ports are given, one technology a folder or file."""
