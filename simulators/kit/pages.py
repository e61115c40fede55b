"""The look of a simulator's human pages: one escaped layout, nothing loaded from outside."""

from collections.abc import Mapping

from jinja2 import DictLoader, Environment, StrictUndefined

LAYOUT = """<!doctype html>
<html lang="en">
<head>
<meta charset="{{ charset|default('utf-8') }}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }} &middot; {{ brand_title }} simulator</title>
<style>
  :root { --brand: {{ brand_colour }}; --ink: #1f2430; --dim: #6b7280; --line: #e5e7eb; }
  * { box-sizing: border-box; }
  body { margin: 0; min-height: 100vh; background: #f3f5f8; color: var(--ink);
         font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans SC", sans-serif; }
  header { background: var(--brand); color: #fff; padding: .9rem 1.25rem; font-weight: 600; }
  header small { font-weight: 400; opacity: .85; margin-left: .5rem; }
  main { max-width: 30rem; margin: 1.5rem auto; padding: 0 1rem; }
  .card { background: #fff; border-radius: 14px; padding: 1.5rem;
          box-shadow: 0 6px 24px rgb(31 36 48 / 8%); }
  h1 { font-size: 1.1rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
  .amount { font-size: 2.4rem; font-weight: 700; margin: .5rem 0;
            font-variant-numeric: tabular-nums; }
  .dim { color: var(--dim); font-size: .9rem; overflow-wrap: anywhere; }
  .notice { border-left: 4px solid var(--brand); background: #f8fafc; padding: .6rem .9rem;
            margin: 1rem 0; border-radius: 0 8px 8px 0; }
  .notice::first-letter { text-transform: uppercase; }
  .notice.bad { border-color: #d92d20; background: #fef3f2; }
  .notice.good { border-color: #079455; background: #ecfdf3; }
  form { display: grid; gap: .6rem; margin-top: 1rem; }
  label { display: grid; gap: .2rem; font-size: .9rem; color: var(--dim); }
  input { font: inherit; padding: .6rem .75rem; border: 1px solid var(--line);
          border-radius: 8px; }
  button { font: inherit; padding: .7rem 1rem; border-radius: 8px; border: 1px solid var(--line);
           background: #fff; color: var(--ink); cursor: pointer; }
  button.main { background: var(--brand); border-color: var(--brand); color: #fff;
                font-weight: 600; }
  button:hover { filter: brightness(.96); }
  table { width: 100%; border-collapse: collapse; font-size: .85rem; }
  td, th { text-align: left; padding: .35rem .5rem; border-bottom: 1px solid var(--line); }
  td:first-child { overflow-wrap: anywhere; }
  footer { max-width: 30rem; margin: 0 auto; padding: 0 1.25rem 2rem; }
</style>
</head>
<body>
<header>{{ brand_title }}<small>simulator: no money moves here</small></header>
<main>{% block content %}{% endblock %}</main>
<footer class="dim">Times are the simulator's own. {% block footer %}{% endblock %}</footer>
{% block script %}{% endblock %}
</body>
</html>
"""


class HumanPages:
    """
    Renders a brand's pages inside the shared layout.

    Whatever a merchant sent ends up on these pages, so autoescaping is on and
    a name that the template expects and nobody gave is an error.
    """

    def __init__(self, brand_title: str, brand_colour: str, templates: Mapping[str, str]) -> None:
        """Take the brand's templates by name; each extends ``layout.html``."""
        self._environment = Environment(
            loader=DictLoader({"layout.html": LAYOUT, **templates}),
            autoescape=True,
            undefined=StrictUndefined,
        )
        self._environment.globals.update(brand_title=brand_title, brand_colour=brand_colour)

    def render(self, template: str, **context: object) -> str:
        """Return the page as HTML text."""
        return self._environment.get_template(template).render(**context)
