"""``retender order``: place, show, pay and close orders."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retender.domain.model.order import LatePayment
from retender.entrypoints.cli.lazy_commands import examples, new_app
from retender.entrypoints.cli.output import (
    UNKNOWN,
    AsJson,
    InLanguage,
    console,
    print_json,
    print_result,
)
from retender.entrypoints.cli.run import run
from retender.entrypoints.words.language import Language

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import Console

    from retender.domain.model.pay_result import AnswerPending, PageReady
    from retender.entrypoints.container import Container

app = new_app()


@dataclass(frozen=True, slots=True)
class _Paying:
    """What paying answered, and what is needed to show it."""

    result: "PageReady | AnswerPending"
    url: str
    title: str
    now: "datetime"


OrderNo = Annotated[str, typer.Argument(metavar="ORDER", help="The shop's number of the order.")]
UserId = Annotated[str, typer.Option("--user", "-u", help="Who pays; nobody else may.")]
AnyUser = Annotated[
    str | None, typer.Option("--user", "-u", help="If given, the order must be this user's.")
]


@app.callback()
def orders() -> None:
    """Place, show, pay and close orders."""


@app.command(
    epilog=examples(
        "retender order place A-1 --user user-7 --amount 88.80 --subject 'Jasmine tea'",
        "retender order place A-2 -u user-7 -a 500 --currency JPY -s Stamps --within 600",
    )
)
def place(
    ctx: typer.Context,
    order_no: OrderNo,
    *,
    user: UserId,
    amount: Annotated[str, typer.Option("--amount", "-a", help="What is owed, such as 88.80.")],
    subject: Annotated[str, typer.Option("--subject", "-s", help="What the payer reads.")],
    currency: Annotated[str, typer.Option(help="ISO 4217 code.")] = "CNY",
    key: Annotated[
        str | None, typer.Option(help="The payer has at most one open order under one key.")
    ] = None,
    within: Annotated[
        int | None, typer.Option(metavar="SECONDS", help="Time to pay; default: as configured.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Place an order; again with the same parameters shows it."""
    from datetime import timedelta

    from retender.domain.model.money import Money
    from retender.entrypoints.cli.story import show_order
    from retender.entrypoints.views.order_view import OrderView

    money = Money.parse(amount, currency)
    placed = run(
        ctx,
        lambda container: container.place_order()(
            order_no=order_no,
            user_id=user,
            subject=subject,
            amount=money,
            key=key,
            pay_within=None if within is None else timedelta(seconds=within),
        ),
    )
    view = {**OrderView.of(placed.order).model_dump(mode="json"), "created": placed.created}
    print_result(view, lambda console: show_order(console, placed.order), as_json=as_json)


@app.command(epilog=examples("retender order show A-1", "retender order show A-1 --json"))
def show(
    ctx: typer.Context,
    order_no: OrderNo,
    *,
    user: AnyUser = None,
    lang: InLanguage = Language.ENGLISH,
    as_json: AsJson = False,
) -> None:
    """Tell an order's story: attempts, pages, notices, decisions and why, refunds."""
    if as_json:
        from retender.domain.use_cases.show_order import OrderPart
        from retender.entrypoints.views.order_view import ShownOrderView

        shown = run(
            ctx,
            lambda container: container.show_order()(
                order_no=order_no, user_id=user, expand=set(OrderPart)
            ),
        )
        print_json(ShownOrderView.of(shown, lang).model_dump(mode="json"))
        return
    from retender.entrypoints.cli.story import show_story

    story = run(ctx, lambda container: container.explain_order()(order_no=order_no, user_id=user))
    show_story(console(), story, lang)


@app.command(
    epilog=examples(
        "retender order pay A-1 --user user-7 --with wechat --client pc",
        "retender order pay A-1 -u user-7 -w alipay --client h5 --ip 203.0.113.7",
        "retender order pay A-1 -u user-7 -w alipay --page qr",
    )
)
def pay(
    ctx: typer.Context,
    order_no: OrderNo,
    *,
    user: UserId,
    account: Annotated[
        str, typer.Option("--with", "-w", metavar="ACCOUNT", help="With which account.")
    ],
    client: Annotated[str, typer.Option("--client", help="From where: pc, h5, app ...")] = "pc",
    page: Annotated[str | None, typer.Option(help="Insist on a kind of page.")] = None,
    instalments: Annotated[int | None, typer.Option(help="Number of monthly rates.")] = None,
    openid: Annotated[str | None, typer.Option(help="The payer at the provider.")] = None,
    ip: Annotated[str | None, typer.Option(help="The payer's address.")] = None,
    return_url: Annotated[str | None, typer.Option(help="Where to go after paying.")] = None,
    email: Annotated[str | None, typer.Option(help="The payer's e-mail address.")] = None,
    name: Annotated[str | None, typer.Option(help="The payer's name.")] = None,
    phone: Annotated[str | None, typer.Option(help="The payer's phone: +8613800138000.")] = None,
    language: Annotated[str | None, typer.Option(help="The payer's language: zh-CN.")] = None,
    country: Annotated[str | None, typer.Option(help="Where the goods go: CN.")] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Save the page as HTML for a browser.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """
    Get a page to pay with: the first time, again, or another way.

    Exit code 3: the provider has not answered yet; pay again to get the page.
    """
    from retender.domain.model.payer import Payer
    from retender.entrypoints.addresses import Addresses

    async def pay_now(container: "Container") -> _Paying:
        result = await container.pay_order()(
            order_no=order_no,
            user_id=user,
            account=account,
            client_type=client,
            page_kind=page,
            instalments=instalments,
            payer=Payer(
                openid=openid,
                client_ip=ip,
                return_url=return_url,
                email=email,
                name=name,
                phone=phone,
                language=language,
                shipping_country=country,
            ),
        )
        return _Paying(
            result=result,
            url=Addresses(container.settings().public_url).page(result.attempt.attempt_id),
            title=container.accounts().get(account).title,
            now=container.clock()(),
        )

    _answer_paying(run(ctx, pay_now), save, as_json=as_json)


def _answer_paying(paying: _Paying, save: Path | None, *, as_json: bool) -> None:
    """Show the page, or say that it is not known yet."""
    from retender.domain.model.page import FormPage
    from retender.domain.model.pay_result import PageReady
    from retender.entrypoints.cli.page import new_file, save_page, show_page
    from retender.entrypoints.views.page_view import AnswerPendingView, PageReadyView

    result, url = paying.result, paying.url
    if isinstance(result, PageReady):
        view = PageReadyView.of(result, url).model_dump(mode="json")
        # A form cannot be shown in a terminal, so people get a file without asking.
        unasked = isinstance(result.page, FormPage) and not as_json
        file = save or (new_file(result) if unasked else None)
        if file is not None:
            save_page(file, result, title=paying.title, now=paying.now)
        print_result(view, lambda console: show_page(console, result, url, file), as_json=as_json)
        return
    pending = AnswerPendingView.of(result, url)
    print_result(
        pending.model_dump(mode="json"), lambda console: _wait(console, result), as_json=as_json
    )
    raise typer.Exit(UNKNOWN)


def _wait(console: "Console", pending: "AnswerPending") -> None:
    from retender.entrypoints.cli.formatting import duration

    console.print(f"[yellow]{pending.attempt.account} has not answered yet.[/yellow]")
    console.print(f"  Pay again in {duration(pending.retry_after)}: it asks under the same number.")


@app.command(
    epilog=examples(
        "retender order close A-1", "retender order close A-1 --user user-7 --late-payment accept"
    )
)
def close(
    ctx: typer.Context,
    order_no: OrderNo,
    *,
    user: AnyUser = None,
    late_payment: Annotated[
        LatePayment, typer.Option(help="What becomes of money that comes all the same.")
    ] = LatePayment.REFUND,
    as_json: AsJson = False,
) -> None:
    """
    Give an order up, and close every page that is out.

    CANCELLING (or EXPIRING, with accept) means that a page may still take money; the worker
    goes on, and gives back what comes (or takes it).
    """
    from retender.entrypoints.cli.story import show_order
    from retender.entrypoints.views.order_view import OrderView

    order = run(
        ctx,
        lambda container: container.close_order()(
            order_no=order_no, user_id=user, late_payment=late_payment
        ),
    )
    view = OrderView.of(order).model_dump(mode="json")
    print_result(view, lambda console: show_order(console, order), as_json=as_json)
