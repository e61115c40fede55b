"""``retender methods``: what an order can be paid with now."""

from typing import TYPE_CHECKING, Annotated

import typer

from retender.entrypoints.cli.lazy_commands import examples, new_app
from retender.entrypoints.cli.output import AsJson, print_result
from retender.entrypoints.cli.run import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from retender.domain.use_cases.list_methods import Method

app = new_app()


@app.command(
    epilog=examples(
        "retender methods A-1 --user user-7", "retender methods A-1 --user user-7 --client h5"
    )
)
def methods(
    ctx: typer.Context,
    order_no: Annotated[str, typer.Argument(metavar="ORDER", help="The shop's number.")],
    *,
    user: Annotated[str, typer.Option("--user", "-u", help="Who pays.")],
    client: Annotated[str, typer.Option("--client", help="From where: pc, h5, app ...")] = "pc",
    as_json: AsJson = False,
) -> None:
    """
    List what an order can be paid with now.

    And why not with the rest.
    """
    from retender.entrypoints.views.method_view import MethodsView, MethodView

    found = run(
        ctx,
        lambda container: container.list_methods()(
            order_no=order_no, user_id=user, client_type=client
        ),
    )
    view = MethodsView(client_type=client, methods=[MethodView.of(method) for method in found])
    print_result(
        view.model_dump(mode="json"), lambda console: _show(console, found), as_json=as_json
    )


def _show(console: "Console", found: "Sequence[Method]") -> None:
    from rich.markup import escape

    from retender.entrypoints.cli.formatting import or_dash, table

    rows = table("with", "title", "page", "needs", "instalments", "now")
    for method in found:
        no = f"[yellow]{method.why_not}[/yellow]: {escape(method.because or '')}"
        now = "[green]yes[/green]" if method.available else no
        rates = ", ".join(map(str, method.instalments))
        rows.add_row(
            f"[bold]{method.account}[/bold]",
            method.title,
            or_dash(method.page_kind),
            or_dash(", ".join(method.needs)),
            or_dash(rates),
            now,
        )
    console.print(rows)
