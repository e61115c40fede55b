"""What others bring, and ours in the same way."""
