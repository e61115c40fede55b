"""The other side: the gateways that providers speak to, played for tests and demos."""
