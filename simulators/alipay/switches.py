"""What nobody could confirm about Alipay, as switches with the default we think likeliest."""

from dataclasses import dataclass

from retender.simulators.kit.switches import switch


@dataclass(slots=True)
class AlipaySwitches:
    """Each field says what it decides; set it on the simulator, or over the control API."""

    compared: tuple[str, ...] = switch(
        default=("total_amount", "subject", "seller_id", "product_code", "extend_params"),
        doc="What must agree when a number with a waiting trade is sent again.",
    )
    instalment_clash_code: str = switch(
        default="ACQ.CONTEXT_INCONSISTENT",
        doc="The code when only the instalments differ; one source names "
        "TRADE_PAYINFO_INCONSISTENT.",
    )
    precreate_again: str = switch(
        default="same_qr",
        doc="What an identical precreate of a number answers: same_qr, new_qr, "
        "same_qr_until_scanned (then an error), or error always.",
    )
    close_kills_unscanned_qr: bool = switch(
        default=False,
        doc="Whether close or cancel, which find no trade, end the QR code all the same.",
    )
    opening_creates_trade: bool = switch(
        default=False,
        doc="Whether a PC cashier opened in a logged-in browser makes the trade at once.",
    )
    reopening_restarts_timeout: bool = switch(
        default=True,
        doc="Whether each PC cashier of one number starts timeout_express anew; "
        "if not, the first one's countdown holds for all.",
    )
    immediate_retries: bool = switch(
        default=False,
        doc="Whether an unheard notice of a QR payment is first repeated three times at once.",
    )
    notify_closed: bool = switch(
        default=False,
        doc="Whether an unpaid trade's end, by close or by time, is notified.",
    )
    notify_full_refund: tuple[str, ...] = switch(
        default=("alipay.trade.wap.pay",),
        doc="The methods whose trades re-notify as TRADE_CLOSED when refunded in full.",
    )
    empty_values_in_notices: str = switch(
        default="never",
        doc="Whether notices hold an empty parameter: never, signed, or sent but left "
        "out of the signature (unsigned).",
    )
    cert_sn_in_notices: bool = switch(
        default=False,
        doc="Whether notices name their certificate, in certificate mode; recorded ones do not.",
    )
    cert_sn_is_signed: bool = switch(
        default=False,
        doc="Whether a notice's signature covers the certificate's name, where it bears one.",
    )
    notice_charset: str = switch(
        default="utf-8",
        doc="In which charset notices are written: utf-8, gbk, gb2312 or gb18030.",
    )
    answer_charset: str = switch(
        default="",
        doc="In which charset the gateway answers; empty: in that of the request.",
    )
    gateway_errors_signed: bool = switch(
        default=True,
        doc="Whether the gateway signs its own errors once it knows the app and its signature.",
    )
    sign_comes_first: bool = switch(
        default=False,
        doc="Whether an answer's signature stands before what it signs.",
    )
    timestamp_tolerance_seconds: int = switch(
        default=0,
        doc="How far a request's timestamp may be off; 0: it is not looked at.",
    )
    h5_product_codes: tuple[str, ...] = switch(
        default=("QUICK_WAP_WAY", "QUICK_WAP_PAY"),
        doc="What wap.pay takes as product_code.",
    )
    instalment_counts: tuple[int, ...] = switch(
        default=(3, 6, 12),
        doc="What hb_fq_num may be.",
    )
    instalment_seller_percents: tuple[int, ...] = switch(
        default=(0, 100),
        doc="What hb_fq_seller_percent may be.",
    )
    pc_return_parameters: bool = switch(
        default=True,
        doc="Whether the PC cashier returns with the parameters documented for H5.",
    )
    refund_spacing_seconds: int = switch(
        default=3,
        doc="Least time between two refunds of one trade; 0: none is asked for.",
    )
    refund_spacing_code: str = switch(
        default="ACQ.SYSTEM_ERROR",
        doc="What a refund that comes too soon is answered; nothing moves.",
    )
    repeated_refund_says_n: bool = switch(
        default=True,
        doc="Whether a repeated refund says fund_change N; if not, the field is missing.",
    )
    refund_window_days: int = switch(
        default=365,
        doc="How long after payment a trade can be refunded; then it is TRADE_FINISHED.",
    )
