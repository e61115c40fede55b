"""The one way to the gateway: everything asked is signed, everything believed is proven."""

import json
import logging
from collections import Counter
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from retender.domain.model.errors import ProviderRefused, ProviderUncertain, Refusal
from retender.plugins.alipay.beijing import beijing_text
from retender.plugins.alipay.charsets import declared_in
from retender.plugins.alipay.codes import SUCCESS, Doubt, Meaning, meaning_of
from retender.plugins.alipay.credentials import Credentials
from retender.plugins.alipay.signing import (
    Answer,
    MalformedAnswer,
    is_signed,
    read_answer,
    request_text,
    sign,
)
from retender.ports.clock import Clock
from retender.ports.transport import Request, Response, Transport

log = logging.getLogger(__name__)

_OK: Final = 200
_FORM = {"content-type": "application/x-www-form-urlencoded;charset=utf-8"}


class GatewayClient:
    """
    Signs requests of one account, sends them, and lets through only proven answers.

    Attributes:
        unknown: how often each word came that stands in no table.

    """

    def __init__(
        self, credentials: Credentials, gateway: str, transport: Transport, clock: Clock
    ) -> None:
        """Send to ``gateway``, timestamps by ``clock``."""
        self.unknown: Counter[str] = Counter()
        self._credentials = credentials
        self._gateway = gateway
        self._transport = transport
        self._clock = clock

    def signed(
        self, method: str, content: Mapping[str, object], **outside: str | None
    ) -> dict[str, str]:
        """
        Return all parameters of a request, signed.

        ``content`` is what the method is about; ``outside`` are parameters that
        stand beside it, such as ``notify_url``; those that are None are left out.
        """
        credentials = self._credentials
        parameters = {
            "app_id": credentials.app_id,
            "method": method,
            "format": "json",
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": beijing_text(self._clock()),
            "version": "1.0",
            "app_cert_sn": credentials.app_cert_sn,
            "alipay_root_cert_sn": credentials.alipay_root_cert_sn,
            **outside,
            "biz_content": json.dumps(content, ensure_ascii=False, separators=(",", ":")),
        }
        filled = {name: value for name, value in parameters.items() if value}
        filled["sign"] = sign(request_text(filled), credentials.private_key)
        return filled

    def address(self, parameters: Mapping[str, str]) -> str:
        """Return the gateway's address with these parameters in its query."""
        return f"{self._gateway}?{urlencode(parameters)}"

    async def ask(
        self,
        operation: str,
        method: str,
        content: Mapping[str, object],
        table: Mapping[str, Meaning],
        **outside: str | None,
    ) -> Answer:
        """Call the gateway where only a success lets us go on; raises as ``look`` does."""
        answer = await self.look(operation, method, content, table, **outside)
        if isinstance(answer, Doubt):
            raise self.quarantined("answer", f"{answer.value} to {operation}")
        return answer

    async def look(
        self,
        operation: str,
        method: str,
        content: Mapping[str, object],
        table: Mapping[str, Meaning],
        **outside: str | None,
    ) -> Answer | Doubt:
        """
        Call the gateway and return its success, or what else it says of the trade.

        Returns:
            the proven answer to a call that was done; or ``NO_TRADE`` or ``ASK``,
            if ``table`` says so.

        Raises:
            ProviderRefused: a proven no.
            ProviderUnavailable: not reached.
            ProviderUncertain: everything else, unsigned errors among it: anybody
                could have written them, and even Alipay's own prove nothing of
                the trade.

        """
        parameters = self.signed(method, content, **outside)
        body = urlencode({"biz_content": parameters.pop("biz_content")}).encode()
        request = Request(
            operation=operation,
            method="POST",
            url=self.address(parameters),
            headers=_FORM,
            body=body,
        )
        response = await self._transport(request)
        if response.status != _OK:
            raise ProviderUncertain(f"Alipay answered with status {response.status}.")
        answer = self._proven(response, method)
        code, sub_code = answer.get("code") or "", answer.get("sub_code")
        if code == SUCCESS:
            return answer
        return self._failure(answer, code, sub_code, table)

    async def download(self, operation: str, url: str) -> bytes:
        """Fetch what a proven answer pointed to; the link itself is the permission."""
        response = await self._transport(Request(operation=operation, method="GET", url=url))
        if response.status != _OK:
            raise ProviderUncertain(f"Alipay's download answered with status {response.status}.")
        return response.body

    def quarantined(self, what: str, word: str) -> ProviderUncertain:
        """Count a word that stands in no table, and return the error to raise for it."""
        self.unknown[f"{what} {word}"] += 1
        log.warning("alipay: unknown %s %r, treated as no answer", what, word[:64])
        return ProviderUncertain(
            f"Alipay answered with {what} {word[:64]!r}, which is in no table.",
            provider_code=word[:64],
        )

    def _proven(self, response: Response, method: str) -> Answer:
        try:
            charset = declared_in(response.headers.get("content-type"))
            answer = read_answer(response.body.decode(charset), method)
        except (LookupError, UnicodeDecodeError, MalformedAnswer) as trouble:
            raise ProviderUncertain(f"Alipay's answer cannot be read: {trouble}.") from trouble
        if answer.sign is None:
            hint = answer.get("sub_code") or answer.get("code") or "no code"
            raise ProviderUncertain(
                f"Alipay's answer is not signed, so it proves nothing; it says {hint[:64]}.",
                provider_code=hint[:64],
            )
        keys = self._credentials.keys_for(answer.cert_sn)
        if not keys:
            raise ProviderUncertain(
                "Alipay signed with a certificate that this account does not know; "
                "download the new one and add it to alipay_cert.",
                alipay_cert_sn=answer.cert_sn,
            )
        sign_, text = answer.sign, answer.text
        if not any(is_signed(text, sign_, key, charset) for key in keys):
            raise ProviderUncertain("The signature of Alipay's answer is wrong.")
        return answer

    def _failure(
        self, answer: Answer, code: str, sub_code: str | None, table: Mapping[str, Meaning]
    ) -> Doubt:
        word = sub_code or code or "no code"
        meaning = meaning_of(code, sub_code, table)
        if isinstance(meaning, Refusal):
            raise ProviderRefused(
                meaning,
                provider_code=word,
                provider_message=answer.get("sub_msg") or answer.get("msg") or "",
            )
        if meaning is Doubt.UNSURE:
            raise ProviderUncertain(
                f"Alipay itself does not know what came of it: {word}.", provider_code=word
            )
        if meaning is Doubt.UNKNOWN:
            raise self.quarantined("code", word)
        return meaning
