"""What a merchant sends is shown on the simulator's pages as text, never as markup."""

import jinja2
import pytest

from retender.simulators.kit.pages import HumanPages

TEMPLATES = {
    "cashier.html": (
        '{% extends "layout.html" %}{% block content %}<h1>{{ subject }}</h1>{% endblock %}'
    )
}


def test_a_subject_cannot_smuggle_a_script() -> None:
    """Escaped in the title and in the body."""
    pages = HumanPages("Toy Pay", "#1677ff", TEMPLATES)
    html = pages.render("cashier.html", title="<b>", subject="<script>alert('茶')</script>")
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "茶" in html
    assert "<title>&lt;b&gt;" in html


def test_the_page_loads_nothing_from_outside() -> None:
    """It must work on a machine without a network."""
    html = HumanPages("Toy Pay", "#1677ff", TEMPLATES).render(
        "cashier.html", title="t", subject="s"
    )
    assert "http" not in html
    assert "src=" not in html
    assert "width=device-width" in html


def test_a_forgotten_value_is_an_error() -> None:
    """Rather than an empty amount on a payment page."""
    with pytest.raises(jinja2.UndefinedError):
        HumanPages("Toy Pay", "#1677ff", TEMPLATES).render("cashier.html", title="t")
