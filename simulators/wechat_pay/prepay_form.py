"""What a prepay request says, read as strictly as the gateway reads it."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from urllib.parse import urlsplit

from retender.plugins.wechat_pay.beijing import from_text
from retender.simulators.wechat_pay.identity import Identity
from retender.simulators.wechat_pay.refusals import Refused, wrong_field
from retender.simulators.wechat_pay.switches import WechatPaySwitches

SHORTEST = timedelta(minutes=1)
LONGEST = timedelta(days=15)
UNPAID_LIFE = timedelta(days=7)

_NUMBER = re.compile(r"[0-9A-Za-z_\-|*]{6,32}", re.ASCII)
_SCENES = {"Wap", "iOS", "Android"}

_UNKNOWN_FIELD = "270924358"


class Product(Enum):
    """What can be ordered: the last part of the path, and its name in answers."""

    JSAPI = ("jsapi", "JSAPI")
    NATIVE = ("native", "NATIVE")
    APP = ("app", "APP")
    H5 = ("h5", "MWEB")

    def __init__(self, path: str, trade_type: str) -> None:
        """Name both."""
        self.path = path
        self.trade_type = trade_type


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepayForm:
    """
    An order as the merchant wants it.

    Attributes:
        said: the whole body; a repeat must say the same.
        ends_at: the last moment to pay, already stretched and cut.

    """

    product: Product
    said: Mapping[str, object]
    number: str
    appid: str
    total: int
    currency: str
    description: str
    attach: str | None
    notify_url: str
    openid: str | None
    ends_at: datetime

    def repeats(self, other: "PrepayForm", *, any_ip: bool) -> bool:
        """Tell whether the gateway takes this for the same order as ``other``."""
        if self.product is not other.product:
            return False
        return (
            _without_ip(self.said) == _without_ip(other.said)
            if any_ip
            else (self.said == other.said)
        )


def read_object(body: bytes) -> dict[str, object]:
    """Read a request's JSON object, or refuse it."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as trouble:
        raise Refused("PARAM_ERROR", "the body is no JSON") from trouble
    if not isinstance(value, dict):
        raise Refused("PARAM_ERROR", "the body is no object")
    return value


def read_prepay(
    body: bytes,
    product: Product,
    *,
    now: datetime,
    identity: Identity,
    switches: WechatPaySwitches,
) -> PrepayForm:
    """Read a request to ``/v3/pay/transactions/{product}``, or refuse it."""
    said = read_object(body)
    _check_shape(said, _SHAPES[product], "")
    form = PrepayForm(
        product=product,
        said=said,
        number=_matching(said, "out_trade_no", _NUMBER),
        appid=str(said["appid"]),
        total=_total(said),
        currency=str(_inner(said, "amount").get("currency", "CNY")),
        description=str(said["description"]),
        attach=_optional(said, "attach"),
        notify_url=_notify_url(said, switches),
        openid=_optional(_inner(said, "payer"), "openid"),
        ends_at=_ends_at(said, product, now, switches),
    )
    if form.currency != "CNY":
        raise wrong_field("/amount/currency", form.currency, "must be CNY")
    if product is Product.H5:
        _check_scene(said)
    _check_parties(said, product, identity)
    return form


def _check_parties(said: Mapping[str, object], product: Product, identity: Identity) -> None:
    if said["mchid"] != identity.mchid:
        raise wrong_field("/mchid", said["mchid"], "is not the merchant who signed")
    bound = {identity.mobile_appid} if product is Product.APP else {identity.appid}
    if said["appid"] not in bound:
        raise Refused("APPID_MCHID_NOT_MATCH", "appid and mchid are not bound for this product")


def _check_scene(said: Mapping[str, object]) -> None:
    kind = _inner(_inner(said, "scene_info"), "h5_info").get("type")
    if kind not in _SCENES:
        raise wrong_field("/scene_info/h5_info/type", kind, "must be Wap, iOS or Android")


def _ends_at(
    said: Mapping[str, object], product: Product, now: datetime, switches: WechatPaySwitches
) -> datetime:
    text = said.get("time_expire")
    if text is None:
        return now + UNPAID_LIFE
    try:
        wanted = from_text(str(text))
    except ValueError as trouble:
        raise wrong_field("/time_expire", text, "is no RFC 3339 time") from trouble
    longest = LONGEST
    if product is Product.NATIVE:
        longest = timedelta(days=switches.native_expiry_cap_days)
    # Silently moved at both ends: the merchant is not told.
    return min(max(wanted, now + SHORTEST), now + longest)


def _notify_url(said: Mapping[str, object], switches: WechatPaySwitches) -> str:
    url = str(said["notify_url"])
    parts = urlsplit(url)
    schemes = {"https", "http"} if switches.allow_http_notify_url else {"https"}
    if parts.scheme not in schemes or not parts.hostname:
        raise wrong_field("/notify_url", url, f"must be {' or '.join(sorted(schemes))}")
    if parts.query:
        raise wrong_field("/notify_url", url, "must not have a query")
    return url


def _total(said: Mapping[str, object]) -> int:
    total = _inner(said, "amount")["total"]
    if type(total) is not int:
        raise wrong_field("/amount/total", total, "must be an integer")
    if total < 1:
        raise wrong_field("/amount/total", total, "must be at least 1")
    return total


def _matching(said: Mapping[str, object], name: str, pattern: re.Pattern[str]) -> str:
    text = str(said[name])
    if not pattern.fullmatch(text):
        raise wrong_field(f"/{name}", text, f"must match {pattern.pattern}")
    return text


def _optional(said: Mapping[str, object], name: str) -> str | None:
    value = said.get(name)
    return None if value is None else str(value)


def _inner(said: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = said.get(name)
    return value if isinstance(value, dict) else {}


def _without_ip(said: Mapping[str, object]) -> dict[str, object]:
    scene = {k: v for k, v in _inner(said, "scene_info").items() if k != "payer_client_ip"}
    return {**said, "scene_info": scene}


# --- the shape of each product's body --------------------------------------------------

_Check = Callable[[object], bool]


@dataclass(frozen=True, slots=True)
class _Field:
    """One field: what its value must be, and whether it may be left out."""

    fits: "_Check | Mapping[str, _Field]"
    required: bool = False


def _text(most: int) -> _Check:
    return lambda value: isinstance(value, str) and 0 < len(value) <= most


def _anything(_value: object) -> bool:
    return True


def _flag(value: object) -> bool:
    return isinstance(value, bool)


def _object(value: object) -> bool:
    return isinstance(value, dict)


_COMMON: Mapping[str, _Field] = {
    "appid": _Field(_text(32), required=True),
    "mchid": _Field(_text(32), required=True),
    "description": _Field(_text(127), required=True),
    "out_trade_no": _Field(_text(32), required=True),
    "notify_url": _Field(_text(255), required=True),
    "time_expire": _Field(_text(64)),
    "attach": _Field(_text(128)),
    "goods_tag": _Field(_text(32)),
    "support_fapiao": _Field(_flag),
    "detail": _Field(_object),
    "settle_info": _Field({"profit_sharing": _Field(_flag)}),
    "amount": _Field(
        {"total": _Field(_anything, required=True), "currency": _Field(_text(16))}, required=True
    ),
}

_SCENE: Mapping[str, _Field] = {
    "payer_client_ip": _Field(_text(45), required=True),
    "device_id": _Field(_text(32)),
    "store_info": _Field(_object),
}

_H5_INFO: Mapping[str, _Field] = {
    "type": _Field(_text(32), required=True),
    "app_name": _Field(_text(64)),
    "app_url": _Field(_text(128)),
    "bundle_id": _Field(_text(128)),
    "package_name": _Field(_text(128)),
}

_SHAPES: Mapping[Product, Mapping[str, _Field]] = {
    Product.NATIVE: {**_COMMON, "scene_info": _Field(_SCENE)},
    Product.APP: {**_COMMON, "scene_info": _Field(_SCENE)},
    Product.JSAPI: {
        **_COMMON,
        "scene_info": _Field(_SCENE),
        "payer": _Field({"openid": _Field(_text(128), required=True)}, required=True),
    },
    Product.H5: {
        **_COMMON,
        "scene_info": _Field({**_SCENE, "h5_info": _Field(_H5_INFO, required=True)}, required=True),
    },
}


def _check_shape(said: Mapping[str, object], shape: Mapping[str, _Field], path: str) -> None:
    for name in said:
        if name not in shape:
            raise wrong_field(f"{path}/{name}", said[name], "unknown", reason=_UNKNOWN_FIELD)
    for name, field in shape.items():
        if name not in said:
            if field.required:
                raise wrong_field(f"{path}/{name}", None, "is missing")
            continue
        value = said[name]
        if isinstance(field.fits, Mapping):
            if not isinstance(value, dict):
                raise wrong_field(f"{path}/{name}", value, "must be an object")
            _check_shape(value, field.fits, f"{path}/{name}")
        elif not field.fits(value):
            raise wrong_field(f"{path}/{name}", value, "is of a wrong type or length")
