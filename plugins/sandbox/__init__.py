"""
Sandbox: a provider that moves no money, whose amounts choose the outcome.

An account that names no gateway gets one in this process, so gateway and ledger are part of
the provider. ``retender.simulators.sandbox`` serves the same gateway to other processes.
"""
