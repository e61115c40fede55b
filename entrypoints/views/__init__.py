"""What shops and operators see, as data: shared by HTTP and the command line."""
