"""A faithful simulator of WeChat Pay's gateway, with every doubtful fact a switch."""
