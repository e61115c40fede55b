"""A faithful simulator of the gateway: orders, phones, notices; every doubtful fact a switch."""
