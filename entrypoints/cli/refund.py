"""``retender refund``: give money back, and see what became of it."""

from typing import TYPE_CHECKING, Annotated

import typer

from retender.entrypoints.cli.lazy_commands import examples, new_app
from retender.entrypoints.cli.output import OK, REFUSED, UNKNOWN, AsJson, print_result
from retender.entrypoints.cli.run import run

if TYPE_CHECKING:
    from retender.domain.model.refund import Refund

app = new_app()

RefundNo = Annotated[str, typer.Argument(metavar="NO", help="The number of the refund.")]


@app.callback()
def refunds() -> None:
    """Give money back, and see what became of it."""


@app.command(
    epilog=examples(
        "retender refund send A-1 --no R-A-1-1",
        "retender refund send A-1 --no R-A-1-2 --amount 10.00 --reason 'One tin broke'",
    )
)
def send(
    ctx: typer.Context,
    order_no: Annotated[str, typer.Argument(metavar="ORDER", help="A paid order.")],
    *,
    number: Annotated[
        str, typer.Option("--no", help="The shop's number of this refund; repeats are harmless.")
    ],
    amount: Annotated[
        str | None, typer.Option("--amount", "-a", help="How much; default: all that is left.")
    ] = None,
    currency: Annotated[str, typer.Option(help="ISO 4217 code.")] = "CNY",
    reason: Annotated[str, typer.Option(help="What the payer may read.")] = "Refund",
    as_json: AsJson = False,
) -> None:
    """
    Give a paid order's money back, in whole or in part.

    Exit code 3: it is written down, and the provider has not confirmed it yet.
    """
    from retender.domain.model.money import Money

    money = None if amount is None else Money.parse(amount, currency)
    refund = run(
        ctx,
        lambda container: container.refund_payment()(
            order_no=order_no, refund_no=number, amount=money, reason=reason
        ),
    )
    _show(refund, as_json=as_json)
    raise typer.Exit(_exit_code(refund))


@app.command(epilog=examples("retender refund show R-A-1-1"))
def show(ctx: typer.Context, number: RefundNo, *, as_json: AsJson = False) -> None:
    """Show how a refund stands; asks nobody."""
    _show(run(ctx, lambda container: container.show_refund()(refund_no=number)), as_json=as_json)


@app.command(epilog=examples("retender refund check R-A-1-1"))
def check(ctx: typer.Context, number: RefundNo, *, as_json: AsJson = False) -> None:
    """
    Take a refund a step further now: send it, or ask what became of it.

    Also for one that is STUCK: the provider may have finished it by hand.
    Exit code 3: still not confirmed; 1: the provider refuses.
    """
    refund = run(ctx, lambda container: container.check_refund()(refund_no=number))
    _show(refund, as_json=as_json)
    raise typer.Exit(_exit_code(refund))


def _show(refund: "Refund", *, as_json: bool) -> None:
    from retender.entrypoints.cli.story import show_refund
    from retender.entrypoints.views.refund_view import RefundView

    view = RefundView.of(refund).model_dump(mode="json")
    print_result(view, lambda console: show_refund(console, refund), as_json=as_json)


def _exit_code(refund: "Refund") -> int:
    from retender.domain.model.transition import RefundState

    return {RefundState.DONE: OK, RefundState.STUCK: REFUSED}.get(refund.state, UNKNOWN)
