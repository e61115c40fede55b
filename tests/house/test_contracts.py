"""Every import contract can fail: a wrong import is planted for each, and found."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from retender.tests.house.tree import ROOT, SHIPPED, pyproject

# Contract -> the wrong imports that only it forbids, as (importer, imported).
PLANTS = {
    "arrows point inward": [
        ("retender.domain.model.planted", "retender.ports"),
        ("retender.domain.use_cases.planted", "retender.plugins"),
        ("retender.domain.steps.planted", "retender.domain.use_cases"),
        ("retender.adapters.planted_entrypoint", "retender.entrypoints"),
        ("retender.plugins.planted_entrypoint", "retender.entrypoints"),
        ("retender.plugin.planted", "retender.simulators"),
        ("retender.simulators.planted_entrypoint", "retender.entrypoints"),
        # No provider knows how its gateway is played, its entry module neither.
        ("retender.plugins.alipay.planted_simulator", "retender.simulators.alipay"),
        ("retender.plugins.sandbox.plugin", "retender.simulators.sandbox.simulator"),
        ("retender.plugins.host", "retender.simulators.kit"),
    ],
    "the core knows no framework": [
        ("retender.ports.planted", "httpx"),
        ("retender.domain.use_cases.planted_framework", "sqlalchemy"),
    ],
    "plugins, simulators and adapters never run a use case": [
        ("retender.plugins.planted_use_case", "retender.domain.use_cases"),
        ("retender.simulators.planted_use_case", "retender.domain.use_cases"),
        ("retender.adapters.planted_use_case", "retender.domain.use_cases"),
        ("retender.adapters.planted_step", "retender.domain.steps"),
    ],
    "entrypoints call verbs, not their steps": [
        ("retender.entrypoints.planted_step", "retender.domain.steps.captured"),
    ],
    "no plugin leans on another": [
        ("retender.plugins.alipay.planted", "retender.plugins.wechat_pay"),
        ("retender.plugins.sandbox.planted", "retender.plugins.alipay"),
    ],
    "the plugin host knows no brand": [
        ("retender.plugins.client_types", "retender.plugins.sandbox"),
    ],
    "no simulator leans on another": [
        ("retender.simulators.alipay.planted", "retender.simulators.wechat_pay"),
        ("retender.simulators.sandbox.planted", "retender.simulators.alipay.keys"),
    ],
    "the simulator kit knows no brand": [
        ("retender.simulators.kit.planted", "retender.simulators.sandbox"),
    ],
    "a simulator shares with its provider only what is listed": [
        ("retender.simulators.alipay.planted_provider", "retender.plugins.alipay.provider"),
        ("retender.simulators.wechat_pay.planted_brand", "retender.plugins.alipay.signing"),
        ("retender.simulators.kit.planted_host", "retender.plugins.host"),
    ],
    "only the container names an adapter": [
        ("retender.entrypoints.planted", "retender.adapters"),
        ("retender.simulators.planted", "retender.adapters"),
        ("retender.tests.contracts.planted", "retender.adapters"),
    ],
    "of the commands, only those that serve know HTTP": [
        ("retender.entrypoints.cli.planted", "retender.entrypoints.http"),
        ("retender.entrypoints.cli.demo.planted", "retender.entrypoints.http.problems"),
    ],
    "words know facts, and nobody who shows them": [
        ("retender.entrypoints.words.planted", "retender.entrypoints.views"),
        ("retender.entrypoints.words.planted_framework", "rich"),
    ],
    "views are data: they know nobody who shows them": [
        ("retender.entrypoints.views.planted", "retender.entrypoints.http"),
        ("retender.entrypoints.views.planted_framework", "fastapi"),
    ],
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree, safe to spoil."""
    place = tmp_path_factory.mktemp("house")
    shutil.copy(ROOT / "pyproject.toml", place)
    for room in SHIPPED:
        shutil.copytree(
            ROOT / room, place / "retender" / room, ignore=lambda _, names: _not_code(names)
        )
    return place


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


@pytest.fixture(scope="module")
def untouched(house: Path) -> tuple[int, str]:
    """What import-linter says of the tree as it is."""
    return lint(house)


@pytest.fixture(scope="module")
def spoilt(house: Path, untouched: tuple[int, str]) -> str:
    """What import-linter says once all wrong imports are planted."""
    assert untouched
    for plants in PLANTS.values():
        for importer, imported in plants:
            path = house.joinpath(*importer.split(".")).with_suffix(".py")
            assert path.parent.is_dir(), f"nowhere to plant {importer}"
            with path.open("a", encoding="utf-8") as module:
                module.write(f"\nimport {imported}\n")
    code, report = lint(house)
    assert code == 1, report
    return report


def chapter(report: str, contract: str) -> str:
    """Cut out what the report says of one broken contract."""
    names = "|".join(map(re.escape, PLANTS))
    _, _, rest = report.partition(f"\n{contract}\n{'-' * len(contract)}\n")
    return re.split(rf"\n(?:{names})\n-+\n", rest)[0]


def test_every_contract_has_a_plant() -> None:
    contracts = [c["name"] for c in pyproject()["tool"]["importlinter"]["contracts"]]
    assert sorted(PLANTS) == sorted(contracts)


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
    assert blamed == [contract]
