"""What can be done, one verb a file, over ports and the model."""
