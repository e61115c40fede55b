"""``retender attention``: what waits for a human, with its evidence, and how to end it."""

from typing import TYPE_CHECKING, Annotated

import typer

from retender.entrypoints.cli.lazy_commands import examples, new_app
from retender.entrypoints.cli.output import AsJson, InLanguage, print_result
from retender.entrypoints.cli.run import run
from retender.entrypoints.words.language import Language

if TYPE_CHECKING:
    from retender.domain.model.attention import AttentionItem

app = new_app()

AttentionId = Annotated[
    str, typer.Argument(metavar="ID", help="The attention item, as `retender attention` lists it.")
]


@app.callback(
    invoke_without_command=True,
    no_args_is_help=False,
    epilog=examples(
        "retender attention",
        "retender attention show 01K4YTZ0Q8R6S4T2V0W8X6Y4Z2",
        "retender attention recheck 01K4YTZ0Q8R6S4T2V0W8X6Y4Z2",
        "retender attention resolve 01K4YTZ0Q8R6S4T2V0W8X6Y4Z2 --as dead --reason 'ticket 7'",
    ),
)
def attention(
    ctx: typer.Context,
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="List at most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """
    List what waits for a human, show it, and end it.

    By itself it lists, the oldest first: what stayed unknown too long, refunds that are stuck,
    evidence that fits nothing. Nothing of it is lost while it waits. `retender attention history`
    lists what has ended, too.
    """
    if ctx.invoked_subcommand is not None:
        return
    from retender.entrypoints.cli.attention_text import show_attention
    from retender.entrypoints.views.attention_view import AttentionView

    found = run(ctx, lambda container: container.list_attention()(limit=limit))
    view = AttentionView.of(found).model_dump(mode="json")
    print_result(view, lambda console: show_attention(console, found), as_json=as_json)


@app.command(epilog=examples("retender attention history", "retender attention history --limit 10"))
def history(
    ctx: typer.Context,
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List all that ever waited, the newest first, with how, why and by whom each was ended."""
    from retender.entrypoints.cli.attention_text import show_history
    from retender.entrypoints.views.attention_item_view import AttentionItemView

    found = run(ctx, lambda container: container.list_attention_history()(limit=limit))
    data = [AttentionItemView.of(item).model_dump(mode="json") for item in found]
    print_result(data, lambda console: show_history(console, found), as_json=as_json)


@app.command(epilog=examples("retender attention show 01K4YTZ0Q8R6S4T2V0W8X6Y4Z2"))
def show(
    ctx: typer.Context,
    attention_id: AttentionId,
    *,
    lang: InLanguage = Language.ENGLISH,
    as_json: AsJson = False,
) -> None:
    """Show all the evidence, the ways to end it, and what each of them does."""
    from retender.entrypoints.cli.attention_text import show_case
    from retender.entrypoints.views.attention_view import AttentionCaseView

    case = run(ctx, lambda container: container.show_attention()(attention_id=attention_id))
    view = AttentionCaseView.of(case, lang).model_dump(mode="json")
    print_result(view, lambda console: show_case(console, case, lang), as_json=as_json)


@app.command(epilog=examples("retender attention recheck 01K4YTZ0Q8R6S4T2V0W8X6Y4Z2"))
def recheck(ctx: typer.Context, attention_id: AttentionId, *, as_json: AsJson = False) -> None:
    """
    Ask the provider again now, and believe what it says.

    This is how a payment is recognised: no resolution declares an order paid. Exit code 3: it is
    still unknown, and waits on.
    """
    from retender.entrypoints.cli.output import UNKNOWN

    found = run(ctx, lambda container: container.recheck_attention()(attention_id=attention_id))
    _show(found, as_json=as_json)
    if found.is_open:
        raise typer.Exit(UNKNOWN)


@app.command(
    epilog=examples(
        "retender attention resolve 01K4YTZ0Q8R6S4T2V0W8X6Y4Z2 --as dead --reason 'ticket 7'",
        "retender attention resolve 01K4YTZ0Q8R6S4T2V0W8X6Y4Z2 --as retry --reason 'limit raised'",
    )
)
def resolve(
    ctx: typer.Context,
    attention_id: AttentionId,
    *,
    how: Annotated[
        str, typer.Option("--as", metavar="HOW", help="dead, refunded, retry or noted; see `show`.")
    ],
    reason: Annotated[str, typer.Option(help="Why; it stays in the order's story.")],
    by: Annotated[str | None, typer.Option(help="Who decides; default: the user's login.")] = None,
    as_json: AsJson = False,
) -> None:
    """
    End it, as a human decides, with a reason that stays.

    dead: the attempt can take no money. refunded: the money went back. retry: send the stuck refund
    again, under the same number. noted: seen, and nothing changes.
    """
    from getpass import getuser

    from retender.domain.model.attention import Resolution
    from retender.domain.model.errors import UnknownName

    if how not in set(Resolution):
        raise UnknownName("resolution", how, set(Resolution) - {Resolution.SETTLED})
    found = run(
        ctx,
        lambda container: container.resolve_attention()(
            attention_id=attention_id, resolution=Resolution(how), reason=reason, by=by or getuser()
        ),
    )
    _show(found, as_json=as_json)


def _show(item: "AttentionItem", *, as_json: bool) -> None:
    from retender.entrypoints.cli.attention_text import show_attention_item
    from retender.entrypoints.views.attention_item_view import AttentionItemView

    view = AttentionItemView.of(item).model_dump(mode="json")
    print_result(view, lambda console: show_attention_item(console, item), as_json=as_json)
