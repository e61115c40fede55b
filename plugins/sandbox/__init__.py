"""Sandbox: a provider that moves no money, whose amounts choose the outcome."""
