"""Announcer: tells the world outside what became of an order."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from retender.domain.model.event import Event

Announcer: TypeAlias = Callable[[Event], Awaitable[None]]
"""
Delivers one event, or raises.

It is called after the commit that made the event true, and again with the same
``event_id`` if it raised or if we died before noting that it did not: receivers
drop ids that they have seen.
"""
