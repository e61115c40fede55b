"""What nobody could confirm about WeChat Pay, as switches with the likeliest default."""

from dataclasses import dataclass

from retender.simulators.kit.switches import switch

PUBLIC_KEY = "public_key"
CERTIFICATE = "certificate"
MIGRATION = "migration"


@dataclass(slots=True)
class WechatPaySwitches:
    """Each field says what it decides; set it on the simulator, or over the control API."""

    native_expiry_cap_days: int = switch(
        default=7,
        doc="What a native order's time_expire is cut to: 7 days by its own page, 15 by the "
        "pages of the other products, which always have 15.",
    )
    duplicate_dialect: str = switch(
        default="OUT_TRADE_NO_USED",
        doc="How a number repeated with other parameters is refused: OUT_TRADE_NO_USED with "
        "403, or INVALID_REQUEST with 400, as some merchants report.",
    )
    numeric_reasons: bool = switch(
        default=True,
        doc="Whether Request-ID ends in a number that tells a refusal's reason.",
    )
    tolerate_other_client_ip: bool = switch(
        default=False,
        doc="Whether a number may be repeated with another payer_client_ip.",
    )
    paid_reorder_code: str = switch(
        default="INVALID_REQUEST",
        doc="How a new order under a paid number is refused: INVALID_REQUEST, ORDER_PAID "
        "or ORDERPAID.",
    )
    close_paid_code: str = switch(
        default="ORDER_PAID",
        doc="How closing a paid order is refused: ORDER_PAID, INVALID_REQUEST, TRADE_ERROR "
        "or RULE_LIMIT.",
    )
    not_exist_code: str = switch(
        default="ORDER_NOT_EXIST",
        doc="The code with the 404 for an unknown number: ORDER_NOT_EXIST, or ORDERNOTEXIST "
        "in older texts.",
    )
    min_close_age_seconds: int = switch(
        default=0,
        doc="How old an order must be to be closed; 300 in the texts of version 2.",
    )
    rate_limit_code: str = switch(
        default="FREQUENCY_LIMITED",
        doc="The code with a 429: FREQUENCY_LIMITED or RATELIMIT_EXCEEDED.",
    )
    allow_http_notify_url: bool = switch(
        default=False,
        doc="Whether notices may go over plain http; a demo on one machine needs it.",
    )
    bill_hash_of: str = switch(
        default="uncompressed",
        doc="What a bill's hash_value is the SHA-1 of: uncompressed or compressed.",
    )
    old_prepay_id_usable: bool = switch(
        default=True,
        doc="Whether an earlier prepay_id or h5_url still pays after the same order was made "
        "again; an earlier code_url never does.",
    )
    require_h5_referer: bool = switch(
        default=False,
        doc="Whether an h5_url refuses to open unless some page linked to it.",
    )
    refund_spacing_seconds: int = switch(
        default=60,
        doc="Least time between two refunds of one order; 0: none is asked for.",
    )
    refund_spacing_code: str = switch(
        default="FREQUENCY_LIMITED",
        doc="What a refund that comes too soon is answered; nothing moves.",
    )
    refund_mismatch_status: int = switch(
        default=400,
        doc="The HTTP status with REFUND_FEE_MISMATCH.",
    )
    refund_processing_seconds: int = switch(
        default=2,
        doc="How long a refund accepted from now on stays PROCESSING.",
    )
    refund_outcome: str = switch(
        default="SUCCESS",
        doc="What a refund accepted from now on comes to: SUCCESS, ABNORMAL or CLOSED.",
    )
    trust: str = switch(
        default=PUBLIC_KEY,
        doc="What signs answers and notices: public_key, certificate, or migration, in which "
        "answers follow the request's Wechatpay-Serial and notices take turns.",
    )
    answer_probes: int = switch(
        default=0,
        doc="How many of the next answers are signature probes; counts down.",
    )
    notice_probes: bool = switch(
        default=False,
        doc="Whether the first delivery of each notice is a signature probe.",
    )
    answer_signature: str = switch(
        default="genuine",
        doc="How 2xx answers are signed: genuine, stranger_key, flipped_byte, stale or none.",
    )
