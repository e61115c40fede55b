"""A server for the sandbox's gateway, with notices, faults and human pages."""
