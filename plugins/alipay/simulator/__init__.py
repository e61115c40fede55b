"""A faithful simulator of the gateway, with every doubtful fact a switch."""
