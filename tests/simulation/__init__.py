"""Whole shops in one process, under faults: what ``retender drill`` plays."""
