"""Every import contract can fail: a wrong import is planted for each, and found."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from retender.tests.house.tree import ROOT, SHIPPED, package_of, pyproject, shipped_modules

SIBLINGS = "siblings lean on one another in one direction"

# Contract -> the wrong imports that it forbids, as (importer, imported).
PLANTS = {
    "arrows point inward": [
        ("retender.domain.model.planted", "retender.ports"),
        ("retender.domain.use_cases.planted", "retender.plugins"),
        ("retender.domain.steps.planted", "retender.domain.use_cases"),
        ("retender.adapters.ids", "retender.entrypoints"),
        ("retender.plugins.alipay.planted_entrypoint", "retender.entrypoints"),
        ("retender.simulators.kit.planted_entrypoint", "retender.entrypoints"),
        ("retender.plugin.planted", "retender.simulators"),
        # No provider knows how its gateway is played, its entry module neither.
        ("retender.plugins.alipay.planted_simulator", "retender.simulators.alipay"),
        ("retender.plugins.sandbox.plugin", "retender.simulators.sandbox.simulator"),
        ("retender.plugins.host", "retender.simulators.kit"),
        # What is shipped runs without our tests.
        ("retender.entrypoints.cli.planted_test", "retender.tests.model"),
        ("retender.simulators.kit.planted_test", "retender.tests.contracts"),
    ],
    SIBLINGS: [],  # CYCLES says which
    "the core knows no framework": [
        ("retender.ports.planted", "httpx"),
        ("retender.domain.use_cases.planted_framework", "sqlalchemy"),
    ],
    "plugins, simulators, adapters and the kit never run a use case": [
        ("retender.plugins.alipay.planted_use_case", "retender.domain.use_cases"),
        ("retender.simulators.kit.planted_use_case", "retender.domain.use_cases"),
        ("retender.adapters.sql.planted_use_case", "retender.domain.use_cases"),
        ("retender.adapters.sql.planted_step", "retender.domain.steps"),
        ("retender.tests.contracts.store.planted_use_case", "retender.domain.use_cases"),
    ],
    "entrypoints and the simulation call verbs, not their steps": [
        ("retender.entrypoints.planted_step", "retender.domain.steps.captured"),
        ("retender.tests.simulation.planted_step", "retender.domain.steps.captured"),
    ],
    "no adapter leans on another": [
        ("retender.adapters.memory.planted", "retender.adapters.sql.tables"),
        ("retender.adapters.clock", "retender.adapters.ids"),
    ],
    "no plugin leans on another, and the host knows no brand": [
        ("retender.plugins.alipay.planted", "retender.plugins.wechat_pay"),
        ("retender.plugins.sandbox.planted", "retender.plugins.alipay"),
        ("retender.plugins.client_types", "retender.plugins.sandbox"),
        ("retender.plugins.text_limit", "retender.plugins.host"),
    ],
    "no simulator leans on another, and the kit knows no brand": [
        ("retender.simulators.alipay.planted", "retender.simulators.wechat_pay"),
        ("retender.simulators.sandbox.planted", "retender.simulators.alipay.keys"),
        ("retender.simulators.kit.planted", "retender.simulators.sandbox"),
    ],
    "entrypoints are layers, too": [
        ("retender.entrypoints.http.planted", "retender.entrypoints.cli.main"),
        ("retender.entrypoints.views.planted", "retender.entrypoints.http"),
    ],
    "shipped tests lean on none that stays at home": [
        ("retender.tests.contracts.planted_at_home", "retender.tests.house.tree"),
        ("retender.tests.simulation.planted_kit", "retender.tests.contracts.kit"),
    ],
    "a simulator shares with its provider only what is listed": [
        ("retender.simulators.alipay.planted_provider", "retender.plugins.alipay.provider"),
        ("retender.simulators.wechat_pay.planted_brand", "retender.plugins.alipay.signing"),
        ("retender.simulators.kit.planted_host", "retender.plugins.host"),
    ],
    "only the container names an adapter": [
        ("retender.entrypoints.planted", "retender.adapters"),
        ("retender.simulators.kit.planted_adapter", "retender.adapters"),
        ("retender.tests.contracts.planted", "retender.adapters"),
        ("retender.tests.simulation.planted", "retender.adapters.clock"),
    ],
    "of the commands, only those that serve know HTTP": [
        ("retender.entrypoints.cli.planted", "retender.entrypoints.http"),
        ("retender.entrypoints.cli.demo.planted", "retender.entrypoints.http.problems"),
    ],
    "words know facts, and nobody who shows them": [
        ("retender.entrypoints.words.planted_port", "retender.ports"),
        ("retender.entrypoints.words.planted_framework", "rich"),
    ],
    "views are data: they know nobody who shows them": [
        ("retender.entrypoints.views.planted_framework", "fastapi"),
    ],
}
# Contract -> another one that says the same of some of its imports, and more.
ALSO = {"entrypoints are layers, too": {"views are data: they know nobody who shows them"}}
# Package -> an import inside it that closes a circle, and breaks nothing else.
CYCLES = {
    "retender.domain.model": ("retender.domain.model.money", "retender.domain.model.order"),
    "retender.adapters.sql": ("retender.adapters.sql.columns", "retender.adapters.sql.tables"),
    "retender.entrypoints": ("retender.entrypoints.store", "retender.entrypoints.container"),
    "retender.tests.simulation": (
        "retender.tests.simulation.kernel",
        "retender.tests.simulation.database",
    ),
}
# New package -> the exhaustive contract that has no layer for it.
STRAYS = {
    "retender.planted": "arrows point inward",
    "retender.adapters.planted": "no adapter leans on another",
    "retender.plugins.planted": "no plugin leans on another, and the host knows no brand",
    "retender.simulators.planted": "no simulator leans on another, and the kit knows no brand",
    "retender.tests.planted": "shipped tests lean on none that stays at home",
}


def contracts() -> list[dict[str, Any]]:
    """Return all import contracts, as they are written."""
    written: list[dict[str, Any]] = pyproject()["tool"]["importlinter"]["contracts"]
    return written


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Make a copy of the tree, safe to spoil."""

    def copy(name: str) -> Path:
        place = tmp_path_factory.mktemp(name)
        shutil.copy(ROOT / "pyproject.toml", place)
        for room in (*(room for room in SHIPPED if "/" not in room), "tests"):
            shutil.copytree(
                ROOT / room, place / "retender" / room, ignore=lambda _, names: _not_code(names)
            )
        return place

    return copy


def _not_code(names: list[str]) -> list[str]:
    return [n for n in names if n == "__pycache__" or ("." in n and not n.endswith(".py"))]


def lint(house: Path) -> tuple[int, str]:
    """Run import-linter in a copy of the tree; give its exit code and its report."""
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [command, "--no-cache"],
        cwd=house,
        env={**os.environ, "PYTHONPATH": str(house), "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def plant(house: Path, importer: str, imported: str) -> None:
    """Write a wrong import into a module, new or old."""
    path = house.joinpath(*importer.split(".")).with_suffix(".py")
    assert path.parent.is_dir(), f"nowhere to plant {importer}"
    with path.open("a", encoding="utf-8") as module:
        module.write(f"\nimport {imported}\n")


@pytest.fixture(scope="module")
def untouched(copied: Callable[[str], Path]) -> tuple[int, str]:
    """What import-linter says of the tree as it is."""
    return lint(copied("untouched"))


@pytest.fixture(scope="module")
def spoilt(copied: Callable[[str], Path]) -> str:
    """What import-linter says once all wrong imports are planted."""
    house = copied("spoilt")
    for plants in PLANTS.values():
        for importer, imported in plants:
            plant(house, importer, imported)
    code, report = lint(house)
    assert code == 1, report
    return report


@pytest.fixture(scope="module")
def circular(copied: Callable[[str], Path]) -> str:
    """What import-linter says once circles are closed."""
    house = copied("circular")
    for importer, imported in CYCLES.values():
        plant(house, importer, imported)
    code, report = lint(house)
    assert code == 1, report
    return report


@pytest.fixture(scope="module")
def astray(copied: Callable[[str], Path]) -> str:
    """What import-linter says of new packages that nobody gave a layer."""
    house = copied("astray")
    for name in STRAYS:
        package = house.joinpath(*name.split("."))
        package.mkdir()
        (package / "__init__.py").write_text('"""Planted."""\n', encoding="utf-8")
    code, report = lint(house)
    assert code == 1, report
    return report


def chapter(report: str, contract: str) -> str:
    """Cut out what the report says of one broken contract."""
    names = "|".join(map(re.escape, PLANTS))
    _, _, rest = report.partition(f"\n{contract}\n{'-' * len(contract)}\n")
    return re.split(rf"\n(?:{names})\n-+\n", rest)[0]


def test_every_contract_has_a_plant() -> None:
    assert sorted(PLANTS) == sorted(contract["name"] for contract in contracts())
    assert [name for name, plants in PLANTS.items() if not plants] == [SIBLINGS]
    exhaustive = {contract["name"] for contract in contracts() if contract.get("exhaustive")}
    assert set(STRAYS.values()) == exhaustive


def test_the_tree_keeps_every_contract(untouched: tuple[int, str]) -> None:
    code, report = untouched
    assert code == 0, report
    assert f"{len(PLANTS)} kept, 0 broken" in report


@pytest.mark.parametrize(
    ("contract", "importer", "imported"),
    [(contract, *plant) for contract, plants in PLANTS.items() for plant in plants],
)
def test_a_wrong_import_breaks_its_contract_and_no_other(
    spoilt: str, contract: str, importer: str, imported: str
) -> None:
    assert f"{contract} BROKEN" in spoilt
    blamed = [name for name in PLANTS if f"{importer} -> {imported}" in chapter(spoilt, name)]
    assert contract in blamed
    assert set(blamed) - {contract} <= ALSO.get(contract, set())


@pytest.mark.parametrize("package", CYCLES)
def test_a_circle_among_siblings_is_found(circular: str, package: str) -> None:
    assert f"No cycles are allowed in {package}.\n" in chapter(circular, SIBLINGS)
    assert f"{len(PLANTS) - 1} kept, 1 broken" in circular


@pytest.mark.parametrize("package", STRAYS)
def test_a_new_package_that_is_in_no_layer_is_found(astray: str, package: str) -> None:
    blamed = [name for name in PLANTS if f"- {package}\n" in chapter(astray, name)]
    assert blamed == [STRAYS[package]]


def layered() -> set[str]:
    """Name all that a contract gives a layer."""
    return {
        f"{container}.{name.strip()}"
        for contract in contracts()
        if contract["type"] == "layers"
        for container in contract["containers"]
        for layer in contract["layers"]
        for name in re.split("[|:]", layer)
    }


def in_no_layer(packages: Iterable[str]) -> list[str]:
    """Name the rooms, and the packages right in a room, that no contract gives a layer."""
    known = layered()
    return sorted(
        name
        for name in packages
        if name.count(".") in {1, 2}
        and name not in known
        # A folder of layers that have other rooms between them.
        and not any(layer.startswith(f"{name}.") for layer in known if name.count(".") == 1)
    )


def test_every_package_of_a_room_is_in_a_layer() -> None:
    """Where modules and packages stand side by side, the contract need not be exhaustive."""
    packages = {package_of(path.parent) for path in shipped_modules()}
    assert in_no_layer(packages) == []
    assert in_no_layer({*packages, "retender.entrypoints.planted", "retender.planted"}) == [
        "retender.entrypoints.planted",
        "retender.planted",
    ]


def test_a_circle_that_is_let_be_is_one_of_types_alone() -> None:
    """Such an import stands under ``if TYPE_CHECKING``, so nothing is loaded in a circle."""
    (siblings,) = (contract for contract in contracts() if contract["name"] == SIBLINGS)
    pairs = [ignored.split(" -> ") for ignored in siblings["ignore_imports"]]
    assert pairs
    for importer, imported in pairs:
        path = ROOT.joinpath(*importer.split(".")[1:]).with_suffix(".py")
        names = [
            (statement.module, isinstance(parent, ast.If) and ast.unparse(parent.test))
            for parent in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            for statement in ast.iter_child_nodes(parent)
            if isinstance(statement, ast.ImportFrom)
        ]
        assert {under for name, under in names if name == imported} == {"TYPE_CHECKING"}
