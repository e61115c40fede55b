"""The hooks: all that a plugin may contribute, on one screen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import pluggy

from retender.domain.model.client_type import ClientType
from retender.ports.clock import Clock
from retender.ports.payment_provider import PaymentProvider, ProviderTerms
from retender.ports.transport import Transport

GROUP = "retender"
"""The entry point group, and the project name of the two markers below."""

GATEWAY = "gateway"
"""
The setting that says where the API is, in every plugin that has one.

On loopback it is a simulator's, and the payers' addresses may be there too.
"""

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def register_providers() -> Sequence["ProviderPlugin"]:  # type: ignore[empty-body]  # a hook has no body
    """Return the payment providers that this plugin brings; do no work, open nothing."""


@hookspec
def register_client_types() -> Sequence[ClientType]:  # type: ignore[empty-body]  # a hook has no body
    """Return the places to pay from that this plugin brings, the most particular first."""


class Secret(str):
    """A setting's value that is text in every way, but does not show in a ``repr``."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Say that there is one, and no more."""
        return "<secret>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """
    One thing that an account of a provider must or may be told.

    Attributes:
        name: its key in the account's configuration, ``[a-z][a-z0-9_]*``. An operator
            may give ``NAME_file`` instead: a file to read it from.
        help: one sentence: what it is and where to find it.
        required: whether an account without it is refused at the start.
        secret: whether the value reaches the plugin as ``Secret``.
        default: what an account gets that does not say; only if not required.
        proven_by_answer: whether the gateway answers ``query`` so that it is believed only
            where this secret is right. Of others ``ports.secret_proof`` may tell more.

    """

    name: str
    help: str
    required: bool = True
    secret: bool = False
    default: str | None = None
    proven_by_answer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderContext:
    """
    All that a provider is built from: it reads no environment, file, clock or network.

    Attributes:
        account: the account's name; for messages, never a secret.
        settings: every declared setting that was given or has a default, no other.
        transport: the way to the gateway, of this account alone.
        clock: what time it is.
        random_text: returns that many random characters of ``[A-Za-z0-9]``.

    """

    account: str
    settings: Mapping[str, str] = field(repr=False)
    transport: Transport = field(repr=False)
    clock: Clock = field(repr=False)
    random_text: Callable[[int], str] = field(repr=False)


BuildProvider: TypeAlias = Callable[[ProviderContext], PaymentProvider]
"""
Makes the provider of one account; raises ``SetupError`` for a setting that cannot be right.

Nothing is sent while building. What is slow to import is imported here.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderPlugin:
    """
    A payment provider, before any account of it is configured.

    Attributes:
        name: how accounts ask for it, ``[a-z][a-z0-9_]*``; equals ``terms.provider``.
        title: for people.
        terms: what an account can offer at most; for lists and for choosing.
        settings: what an account must or may be told.
        build: makes an account's provider.

    """

    name: str
    title: str
    terms: ProviderTerms
    settings: tuple[Setting, ...]
    build: BuildProvider
