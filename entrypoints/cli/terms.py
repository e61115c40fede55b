"""A provider's terms for people: what it offers, to whom, and on what conditions."""

from typing import TYPE_CHECKING

from rich.table import Table

from retender.domain.model.money import Money
from retender.entrypoints.cli.formatting import duration, or_dash, table

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from rich.console import Console

    from retender.ports.payment_provider import PageTerms, ProviderTerms


def show_terms(console: "Console", terms: "ProviderTerms") -> None:
    """Show the pages as a table, and everything else below it."""
    console.print(f"[bold]{terms.title}[/bold]  ({terms.provider})\n")
    pages = table("page", "on", "product", "needs", "works for", "again", "close")
    for page in terms.pages:
        pages.add_row(*_page(page))
    console.print(pages)
    console.print()
    rest = Table(box=None, show_header=False)
    rest.add_column(style="dim", no_wrap=True)
    rest.add_column(overflow="fold")
    for name, value in _conditions(terms):
        rest.add_row(name, value)
    console.print(rest)


def terms_json(terms: "ProviderTerms") -> dict[str, object]:
    """Return the terms as plain JSON values; durations in seconds, amounts in minor units."""
    expiry, refunds = terms.expiry, terms.refunds
    return {
        "provider": terms.provider,
        "title": terms.title,
        "pages": [_page_json(page) for page in terms.pages],
        "currencies": sorted(terms.currencies),
        "amounts": {
            currency: {"smallest": bounds.smallest, "largest": bounds.largest}
            for currency in sorted(terms.currencies)
            for bounds in [terms.bounds(currency)]
        },
        "expiry": {
            "shortest_seconds": _seconds(expiry.shortest),
            "longest_seconds": _seconds(expiry.longest),
            "granularity_seconds": _seconds(expiry.granularity),
            "absolute": expiry.absolute,
        },
        "refunds": {
            "partial": refunds.partial,
            "most": refunds.most,
            "spacing_seconds": _seconds(refunds.spacing),
            "window_seconds": _seconds(refunds.window),
            "immediate": refunds.immediate,
            "repeatable": refunds.repeatable,
            "asked_by_number": refunds.asked_by_number,
            "names_trade": refunds.names_trade,
        },
        "instalments": list(terms.instalments),
        "notices_signed": terms.notices_signed,
        "notice_retries_seconds": [_seconds(gap) for gap in terms.notice_retries],
        "bills": terms.bills,
        "asked_by_number": terms.asked_by_number,
        "trade_no_is_capture": terms.trade_no_is_capture,
    }


def _page(page: "PageTerms") -> tuple[str, ...]:
    return (
        f"[bold]{page.kind}[/bold]",
        _listed(page.devices),
        page.product,
        or_dash(_listed(page.needs)),
        "till the charge ends" if page.validity is None else duration(page.validity),
        "reopens" if page.reopens else "new number",
        str(page.close),
    )


def _page_json(page: "PageTerms") -> dict[str, object]:
    return {
        "kind": str(page.kind),
        "devices": sorted(page.devices),
        "product": page.product,
        "needs": sorted(page.needs),
        "validity_seconds": _seconds(page.validity),
        "reopens": page.reopens,
        "close": str(page.close),
        "bound_to": sorted(page.bound_to),
        "exists_with_page": page.is_there_with_page,
        "orphan_payable": page.orphan_payable,
    }


def _conditions(terms: "ProviderTerms") -> "Iterable[tuple[str, str]]":
    yield "currencies", _listed(terms.currencies)
    yield "amounts", "; ".join(_amounts(terms, each) for each in sorted(terms.currencies))
    expiry = terms.expiry
    way = "an absolute instant" if expiry.absolute else "a duration"
    span = f"{duration(expiry.shortest)} to {duration(expiry.longest)} ahead"
    yield "expiry", f"{way}, {span}, in steps of {_seconds(expiry.granularity)} s"
    for page in terms.pages:
        if page.bound_to:
            yield "bound", f"{page.product} to the payer's {_listed(page.bound_to)}"
    refunds = terms.refunds
    window = "" if refunds.window is None else f", within {duration(refunds.window)}"
    most = "" if refunds.most is None else f", {refunds.most} at most"
    gap = f", {duration(refunds.spacing)} apart" if refunds.spacing else ""
    parts = "in parts" if refunds.partial else "whole only"
    result = "result at once" if refunds.immediate else "result later"
    twice = "" if refunds.repeatable else "; a number sent twice gives back twice"
    yield "refunds", f"{parts}{most}{gap}{window}; {result}{twice}"
    yield "instalments", or_dash(_listed(terms.instalments))
    ladder = ", ".join(duration(gap) for gap in terms.notice_retries)
    yield "notices", ("signed" if terms.notices_signed else "unsigned")
    yield "sent again after", or_dash(ladder)
    yield "bills", "daily" if terms.bills else "none"


def _amounts(terms: "ProviderTerms", currency: str) -> str:
    bounds = terms.bounds(currency)
    return f"{Money(bounds.smallest, currency)} to {Money(bounds.largest, currency)}"


def _listed(values: "Iterable[object]") -> str:
    return ", ".join(sorted(map(str, values), key=lambda each: (len(each), each)))


def _seconds(length: "timedelta | None") -> int | None:
    return None if length is None else int(length.total_seconds())
