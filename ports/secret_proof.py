"""Proofs of secrets: what a gateway can show of an account's keys before money depends on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable


class SecretState(StrEnum):
    """What is known of one secret."""

    RIGHT = "right"
    WRONG = "wrong"
    NOT_PROVEN = "not proven"


@dataclass(frozen=True, slots=True)
class SecretProof:
    """
    What a gateway showed of one secret of an account.

    Attributes:
        setting: the secret's name, as in ``Setting``.
        state: what is known of it.
        why: by what it is known, or why it is not; never any part of the secret.

    """

    setting: str
    state: SecretState
    why: str


@runtime_checkable
class ProvesSecrets(Protocol):
    """
    May be implemented by a provider that has secrets which no answer to ``query`` proves.

    Such are keys that only notices are sealed or signed with: a wrong one shows for the first
    time when somebody has paid. The doctor asks; payments never do.
    """

    async def prove_secrets(self) -> Sequence[SecretProof]:
        """
        Ask the gateway what shows whether secrets are right; nothing is made by it.

        Of a secret that is not in the answer nothing is known. Raises ``ProviderError`` as
        every call does, if there is no answer that shows anything.
        """
