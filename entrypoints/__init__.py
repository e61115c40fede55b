"""Who calls us: HTTP, the command line, the worker and the cashier."""
