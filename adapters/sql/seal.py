"""PageSeal: pages are encrypted, each as good as a signature, and so is who the payer is."""

import json
import secrets
from collections.abc import Callable
from dataclasses import asdict

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from retender.domain.model.errors import InvalidInput, SetupError
from retender.domain.model.page import Page, page_from_text, page_to_text
from retender.domain.model.payer import Payer

KEY_BYTES = 32
_NONCE_BYTES = 12
_PAYER = "/payer"
"""Sets it apart from the page: one never opens in the other's place."""


class PageSeal:
    """
    AES-256-GCM under one key; a page opens only for the attempt it was sealed for.

    What does not open (another key, another attempt, a spoilt byte) is no page:
    the payer gets a new one, so changing the key needs no migration.
    """

    def __init__(
        self, key: bytes, *, random_bytes: Callable[[int], bytes] = secrets.token_bytes
    ) -> None:
        """Take the key, which must be 32 bytes, and where nonces come from."""
        if len(key) != KEY_BYTES:
            message = f"The page key must be {KEY_BYTES} bytes long; it is {len(key)}."
            raise SetupError(message)
        self._cipher = AESGCM(key)
        self._random_bytes = random_bytes

    def seal(self, attempt_id: str, page: Page) -> bytes:
        """Encrypt the page for this attempt."""
        return self._seal(attempt_id, page_to_text(page))

    def open(self, attempt_id: str, sealed: bytes) -> Page | None:
        """Decrypt what was sealed for this attempt, or return None."""
        try:
            return page_from_text(self._open(attempt_id, sealed))
        except (InvalidTag, ValueError):
            return None

    def seal_payer(self, attempt_id: str, payer: Payer) -> bytes | None:
        """Encrypt what the payer's side supplied, if it supplied anything."""
        given = {name: value for name, value in asdict(payer).items() if value is not None}
        return self._seal(f"{attempt_id}{_PAYER}", json.dumps(given)) if given else None

    def open_payer(self, attempt_id: str, sealed: bytes | None) -> Payer:
        """Decrypt it, or return a payer of whom nothing is known."""
        if sealed is None:
            return Payer()
        try:
            return Payer(**json.loads(self._open(f"{attempt_id}{_PAYER}", sealed)))
        except (InvalidTag, InvalidInput, TypeError, ValueError):
            return Payer()

    def _seal(self, whose: str, text: str) -> bytes:
        nonce = self._random_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text.encode(), whose.encode())

    def _open(self, whose: str, sealed: bytes) -> str:
        nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        return self._cipher.decrypt(nonce, text, whose.encode()).decode()
