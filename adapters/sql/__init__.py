"""The SQL store: tables, mapping and one transaction a unit of work."""
