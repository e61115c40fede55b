"""A faithful simulator of Alipay's gateway, with every doubtful fact a switch."""
