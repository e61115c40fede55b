"""WeChat Pay, API v3: every request signed, every answer proven, by one client."""
