"""PageSeal: stored pages are encrypted, as a page is as good as a signature."""

import secrets
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from retender.domain.model.errors import SetupError
from retender.domain.model.page import Page, page_from_text, page_to_text

KEY_BYTES = 32
_NONCE_BYTES = 12


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
        nonce = self._random_bytes(_NONCE_BYTES)
        text = page_to_text(page).encode()
        return nonce + self._cipher.encrypt(nonce, text, attempt_id.encode())

    def open(self, attempt_id: str, sealed: bytes) -> Page | None:
        """Decrypt what was sealed for this attempt, or return None."""
        nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return page_from_text(self._cipher.decrypt(nonce, text, attempt_id.encode()).decode())
        except (InvalidTag, ValueError):
            return None
