"""What the core needs from the world, one role a file."""
