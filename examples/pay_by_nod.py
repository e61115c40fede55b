"""Pay by nod: a whole provider plugin. A till notes for which number somebody nodded."""

from retender.plugin import (
    AskOnly,
    Charge,
    ClosePower,
    Device,
    Opened,
    PageKind,
    PageTerms,
    ProviderContext,
    ProviderPlugin,
    ProviderTerms,
    Receipt,
    ReceiptState,
    RedirectPage,
    Request,
    Setting,
    hookimpl,
)

RETENDER_PLUGIN_API = 1

PAGE = PageTerms(
    kind=PageKind.REDIRECT, devices=frozenset(Device), product="nod", close=ClosePower.NONE
)
TERMS = ProviderTerms(
    provider="nod", title="Nod", pages=(PAGE,), currencies=frozenset({"CNY"}), notices_signed=False
)


class PayByNod(AskOnly):
    terms = TERMS

    def __init__(self, context: ProviderContext) -> None:
        self.till, self.send = context.settings["till"], context.transport

    async def open(self, charge: Charge) -> Opened:
        return Opened(RedirectPage(f"{self.till}/{charge.number}?fen={charge.amount.minor}"))

    async def query(self, charge: Charge) -> Receipt:
        address = f"{self.till}/{charge.number}/nodded"
        answer = await self.send(Request(operation="query", method="GET", url=address))
        if answer.body != b"yes":
            return Receipt(number=charge.number, state=ReceiptState.OPEN)
        return Receipt(number=charge.number, state=ReceiptState.PAID, amount=charge.amount)


@hookimpl
def register_providers() -> list[ProviderPlugin]:
    till = Setting(name="till", help="The till's address.")
    return [ProviderPlugin(name="nod", title="Nod", terms=TERMS, settings=(till,), build=PayByNod)]
