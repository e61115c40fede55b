"""``retender explain``: why an order is as it is."""

from typing import Annotated

import typer

from retender.entrypoints.cli.lazy_commands import examples, new_app
from retender.entrypoints.cli.output import AsJson, InLanguage, print_result
from retender.entrypoints.cli.run import run
from retender.entrypoints.words.language import Language

app = new_app()


@app.command(epilog=examples("retender explain A-1", "retender explain A-1 --json"))
def explain(
    ctx: typer.Context,
    order_no: Annotated[str, typer.Argument(metavar="ORDER", help="The shop's number.")],
    *,
    user: Annotated[
        str | None, typer.Option("--user", "-u", help="If given, the order must be this user's.")
    ] = None,
    lang: InLanguage = Language.ENGLISH,
    as_json: AsJson = False,
) -> None:
    """
    Explain an order: every decision with its evidence.

    First who won, what is kept, what went back and what is still open; then, attempt by attempt,
    why a page served again or not, how it was left, what providers said, why money went back.
    """
    from retender.entrypoints.cli.explanation import show_explanation
    from retender.entrypoints.views.explanation_view import ExplanationView

    story = run(ctx, lambda container: container.explain_order()(order_no=order_no, user_id=user))
    view = ExplanationView.of(story, lang).model_dump(mode="json")
    print_result(view, lambda console: show_explanation(console, story, lang), as_json=as_json)
