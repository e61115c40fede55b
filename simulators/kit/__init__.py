"""What simulators share: clock, fault dials, notices, control API, page layout."""
