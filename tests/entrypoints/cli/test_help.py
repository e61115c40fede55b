"""Asking for help is quick, complete, and shows how to do it."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from retender.entrypoints.cli.lazy_commands import COMMANDS, load_command
from retender.entrypoints.cli.main import app

# Not pydantic: typer itself reads options with it, once a command is named.
HEAVY = [
    "alembic",
    "cryptography",
    "dependency_injector",
    "fastapi",
    "httpx",
    "jinja2",
    "rich",
    "segno",
    "sqlalchemy",
    "starlette",
    "uvicorn",
]


def all_commands() -> Iterator[list[str]]:
    """Every command there is, as one would call it."""
    for name in COMMANDS:
        command = load_command(name)
        yield [name]
        for inner in getattr(command, "commands", {}):
            yield [name, inner]


CALLS = list(all_commands())


def help_of(words: list[str]) -> str:
    done = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "100"})
    assert done.exit_code == 0, done.output
    return done.stdout


def test_help_of_every_command_does_not_import_the_stack():
    """In a process of its own, since this one has loaded everything already."""
    script = (
        "import json, sys\n"
        "from typer.testing import CliRunner\n"
        "from retender.entrypoints.cli.main import app\n"
        "asked = [[*words, '--help'] for words in json.load(sys.stdin)]\n"
        "results = [CliRunner().invoke(app, words) for words in asked]\n"
        "failed = [r.output for r in results if r.exit_code]\n"
        f"print(json.dumps([failed, [name for name in {HEAVY} if name in sys.modules]]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps([[], *CALLS]),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [[], []]


def test_the_list_of_commands_says_what_each_of_them_says():
    listed = help_of([])
    for name, lazy in COMMANDS.items():
        assert lazy.line in listed
        assert help_of([name]).split("\n\n")[1].strip() == lazy.line, name


@pytest.mark.parametrize("words", CALLS, ids=" ".join)
def test_help_shows_examples_that_can_be_typed(words):
    """Each is read by the parser that would read it if it were typed."""
    if is_group(words):
        return  # its commands have their own
    examples = help_of(words).partition("Examples:\n")[2].splitlines()
    lines = [line.strip() for line in examples if line.strip()]
    assert lines
    for line in lines:
        assert understood(line) == words, line


def is_group(words: list[str]) -> bool:
    return len(words) == 1 and hasattr(load_command(words[0]), "commands")


def understood(line: str) -> list[str]:
    """Parse a command line without running it, and return the command that it names."""
    command: Any = typer.main.get_command(app)
    path = []
    _, *rest = shlex.split(re.split(r" >>? ", line)[0])
    context = command.make_context("retender", rest)
    while hasattr(command, "commands"):
        name, command, rest = command.resolve_command(
            context, [*context._protected_args, *context.args]
        )
        context = command.make_context(name, rest, parent=context)
        path.append(name)
    return path


def test_every_command_can_speak_json_or_runs_until_stopped():
    running = {"serve", "worker", "demo", "simulator"}
    for words in CALLS:
        if not is_group(words) and words[0] not in running:
            assert "--json" in help_of(words), words


def test_a_misspelt_command_is_guessed_at():
    done = CliRunner().invoke(app, ["oder"])
    assert done.exit_code == 2
    assert "Did you mean 'order'" in done.stderr


def test_called_with_nothing_it_shows_help():
    done = CliRunner().invoke(app, [])
    assert done.exit_code == 2
    assert "Take payments" in done.output


def test_the_version_is_the_distributions():
    done = CliRunner().invoke(app, ["--version"])
    assert done.exit_code == 0
    assert done.stdout.startswith("retender 0.")


def test_no_traceback_with_local_values_is_ever_shown():
    """They would hold keys and pages."""
    assert app.pretty_exceptions_enable is False
    assert isinstance(app, typer.Typer)
