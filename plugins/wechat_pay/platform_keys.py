"""The keys by which WeChat Pay is known: a public key from the settings, certificates fetched."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from retender.domain.model.errors import ProviderError, ProviderUnavailable
from retender.plugins.wechat_pay.credentials import PUBLIC_KEY_PREFIX
from retender.plugins.wechat_pay.signing import NotProven
from retender.ports.clock import Clock

FETCH_EVERY = timedelta(hours=12)
PAUSE = timedelta(minutes=5)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformCertificate:
    """A certificate that came sealed with our own APIv3 key, so we know from whom."""

    serial: str
    key: RSAPublicKey = field(repr=False)
    effective_at: datetime
    expires_at: datetime

    def is_valid(self, now: datetime) -> bool:
        """Tell whether it may prove anything at that time."""
        return self.effective_at <= now < self.expires_at


class PlatformKeys:
    """
    A map from serial to key, looked up to the letter.

    Without a public key in the settings, certificates are fetched before the
    first request and every 12 hours after. An unknown serial fetches them too,
    in either mode (a migration signs with both), but a stranger who invents
    serials cannot make us ask more than once in five minutes. However many
    callers need them at once, one fetches and the others wait.
    """

    def __init__(
        self,
        fixed: Mapping[str, RSAPublicKey],
        download: Callable[[], Awaitable[Sequence[PlatformCertificate]]],
        clock: Clock,
    ) -> None:
        """Know the ``fixed`` keys by their ids; fetch nothing yet."""
        self._fixed = dict(fixed)
        self._download = download
        self._clock = clock
        self._certificates: dict[str, PlatformCertificate] = {}
        self._fetched_at: datetime | None = None
        self._tried_at: datetime | None = None
        self._lock = asyncio.Lock()

    async def ready(self) -> None:
        """
        Make sure that an answer can be proven, before anything is asked.

        Raises:
            ProviderUnavailable: there is no key, and none could be fetched.

        """
        if self._fixed:
            return
        recent = self._younger(self._fetched_at, FETCH_EVERY) or self._younger(
            self._tried_at, PAUSE
        )
        if recent and self._has_usable():
            return
        await self._fetch()
        if not self._has_usable():
            raise ProviderUnavailable("There are no platform certificates to prove answers by.")

    async def key_for(self, serial: str) -> RSAPublicKey | None:
        """
        Return the key of a serial, or None: nobody we know signs with that.

        Raises:
            ProviderUnavailable: the serial is new, and the list of certificates
                could not be fetched.

        """
        if key := self._known(serial):
            return key
        if serial.startswith(PUBLIC_KEY_PREFIX) or self._younger(self._tried_at, PAUSE):
            return None
        if not await self._fetch():
            raise ProviderUnavailable("The platform certificates could not be fetched.")
        return self._known(serial)

    def _known(self, serial: str) -> RSAPublicKey | None:
        certificate = self._certificates.get(serial)
        if certificate is not None and certificate.is_valid(self._clock()):
            return certificate.key
        return self._fixed.get(serial)

    def _has_usable(self) -> bool:
        now = self._clock()
        return any(each.is_valid(now) for each in self._certificates.values())

    def _younger(self, instant: datetime | None, age: timedelta) -> bool:
        return instant is not None and self._clock() - instant < age

    async def _fetch(self) -> bool:
        seen = self._tried_at
        async with self._lock:
            if self._tried_at == seen:
                await self._fetch_alone()
        return self._fetched_at is not None and self._fetched_at == self._tried_at

    async def _fetch_alone(self) -> None:
        now = self._clock()
        try:
            fetched = await self._download()
        except (ProviderError, NotProven) as trouble:
            _log.warning("platform certificates could not be fetched: %s", trouble)
        else:
            # "There are none" comes unsigned: it takes away nothing that we have.
            if fetched:
                self._certificates = {each.serial: each for each in fetched}
            self._fetched_at = now
        self._tried_at = now
