"""Where the project's own files are, for the tests that read them."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = (
    "domain",
    "ports",
    "adapters",
    "plugin",
    "plugins",
    "simulators",
    "entrypoints",
    "tests/contracts",
    "tests/simulation",
)


def pyproject() -> dict[str, Any]:
    """Read pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def shipped_modules() -> Iterator[Path]:
    """Name every Python file that goes into the wheel."""
    for room in SHIPPED:
        yield from sorted((ROOT / room).rglob("*.py"))


def all_modules() -> Iterator[Path]:
    """Name every Python file, those that stay at home included."""
    yield from shipped_modules()
    for room in ("tests", "benchmarks", "docs", "examples"):
        for path in sorted((ROOT / room).rglob("*.py")):
            if not any(path.is_relative_to(ROOT / shipped) for shipped in SHIPPED):
                yield path


def shown(path: Path) -> str:
    """Name a path as a reader of the repository would."""
    return path.relative_to(ROOT).as_posix()


def package_of(folder: Path) -> str:
    """Name the package that a folder of the tree is imported as."""
    return ".".join(("retender", *folder.relative_to(ROOT).parts))
