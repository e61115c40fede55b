"""WeChat Pay, API v3: every request signed, every answer proven, over one funnel."""
