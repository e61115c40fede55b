"""Asking for help loads little: the whole stack takes seconds to import."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("retender")
HEAVY = {
    "alembic",
    "cryptography",
    "dependency_injector",
    "fastapi",
    "httpx",
    "jinja2",
    "prometheus_client",
    "pydantic",
    "sqlalchemy",
    "starlette",
    "uvicorn",
}


def imported_by(*arguments: str) -> set[str]:
    """Run the installed command and name the top-level modules it imported."""
    done = subprocess.run(
        [COMMAND, *arguments],
        env={**os.environ, "PYTHONPROFILEIMPORTTIME": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip(), "it said nothing"
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]], ids=" ".join)
def test_help_does_not_import_the_stack(arguments: list[str]) -> None:
    imported = imported_by(*arguments)
    assert "typer" in imported, "the measurement itself must see what is imported"
    assert imported & HEAVY == set()
