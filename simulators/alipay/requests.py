"""Requests as the gateway takes them in: who asks, is it signed, is it well formed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qsl

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from retender.plugins.alipay.beijing import from_beijing
from retender.plugins.alipay.charsets import CHARSETS
from retender.plugins.alipay.signing import is_signed, request_text
from retender.simulators.alipay.errors import GatewayError, invalid, missing
from retender.simulators.alipay.keys import KeyRing
from retender.simulators.alipay.switches import AlipaySwitches
from retender.simulators.alipay.terms import read_content
from retender.simulators.kit.clock import SimulatorClock


@dataclass(frozen=True, slots=True)
class Call:
    """A request that is proven to be the merchant's and well formed."""

    method: str
    parameters: Mapping[str, str]
    content: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Doorkeeper:
    """
    Checks requests in the order in which the real gateway does: app first, then signature.

    Attributes:
        app_id: the one app that this gateway knows.
        keys: the merchant's key is in there.
        certified: whether requests must name their certificates.
        switches: tolerance and signing of errors.
        clock: for the tolerance.
        methods: what the gateway can do.

    """

    app_id: str
    keys: KeyRing
    certified: bool
    switches: AlipaySwitches
    clock: SimulatorClock
    methods: frozenset[str]

    @property
    def app_key(self) -> RSAPublicKey:
        """The key that must have signed."""
        return self.keys.app.key.public_key()

    def admit(self, parameters: Mapping[str, str]) -> Call:
        """
        Let a request in.

        Raises:
            GatewayError: it is not the merchant's, or makes no sense.

        """
        self._check_app(parameters)
        self._check_signature(parameters)
        method = parameters.get("method")
        if not method:
            raise self._known(missing("method"))
        if method not in self.methods:
            raise self._known(invalid("method"))
        self._check_form(parameters)
        return Call(method, parameters, read_content(parameters.get("biz_content", "")))

    def _check_app(self, parameters: Mapping[str, str]) -> None:
        if not parameters.get("app_id"):
            raise missing("app-id")
        if parameters["app_id"] != self.app_id:
            raise invalid("app-id")

    def _check_signature(self, parameters: Mapping[str, str]) -> None:
        for name, error in [("sign_type", "signature-type"), ("sign", "signature")]:
            if not parameters.get(name):
                raise missing(error)
        if parameters["sign_type"] != "RSA2":
            raise invalid("signature-type")
        if self.certified:
            wanted = {"app_cert_sn": self.keys.app.sn, "alipay_root_cert_sn": self.keys.root_sn}
            for name, serial in wanted.items():
                if not parameters.get(name):
                    raise missing(name.replace("_", "-"))
                if parameters[name] != serial:
                    raise invalid(name.replace("_", "-"))
        charset = CHARSETS.get(parameters.get("charset", "").lower())
        if charset is None:
            raise invalid("charset")
        if not is_signed(request_text(parameters), parameters["sign"], self.app_key, charset):
            raise invalid("signature")

    def _check_form(self, parameters: Mapping[str, str]) -> None:
        if parameters.get("version") != "1.0":
            raise self._known(invalid("version"))
        if parameters.get("format", "JSON").upper() != "JSON":
            raise self._known(invalid("format"))
        try:
            asked_at = from_beijing(parameters.get("timestamp", ""))
        except ValueError as trouble:
            raise self._known(invalid("timestamp")) from trouble
        tolerance = timedelta(seconds=self.switches.timestamp_tolerance_seconds)
        if tolerance and abs(self.clock.now() - asked_at) > tolerance:
            raise self._known(invalid("timestamp"))

    def _known(self, error: GatewayError) -> GatewayError:
        error.signed = True
        return error


def read_parameters(query: str, body: bytes) -> dict[str, str]:
    """
    Merge query and form body, whichever of them a client put a parameter in.

    Raises:
        GatewayError: not text in the declared charset, or a name twice.

    """
    form = body.decode("ascii", "strict") if body.isascii() else ""
    declared = dict(parse_qsl(f"{query}&{form}", encoding="latin-1")).get("charset", "utf-8")
    charset = CHARSETS.get(declared.lower(), "utf-8")
    parameters: dict[str, str] = {}
    try:
        for text in (query, form):
            for name, value in parse_qsl(
                text, keep_blank_values=True, encoding=charset, errors="strict", max_num_fields=100
            ):
                if name in parameters:
                    raise invalid("parameter", f"{name} stands twice")
                parameters[name] = value
    except UnicodeDecodeError as trouble:
        raise invalid("encoding") from trouble
    except ValueError as trouble:
        raise invalid("parameter") from trouble
    return parameters
