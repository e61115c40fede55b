"""Which test files a change can break: those that come to it by imports, the nearest first."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

import grimp

from retender.tests.house.tree import ROOT, pyproject

FAR = 1000
HOUSE = 2
"""How far the house's own tests stand from any change: they read files, and import none."""


def changed_since(commit: str) -> set[str]:
    """Name the files that differ from where this branch left another, those not added included."""
    fork = _git("merge-base", "HEAD", commit).strip()
    changed = _git("diff", "--name-only", "--no-renames", fork)
    added = _git("ls-files", "--others", "--exclude-standard")
    return {*changed.splitlines(), *added.splitlines()}


def _git(*words: str) -> str:
    return subprocess.run(
        ["git", *words], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


class Reach:
    """The imports of the tree, and those that no statement tells of."""

    def __init__(self) -> None:
        """Read the whole tree; that takes less than a second."""
        self._graph = grimp.build_graph("retender", cache_dir=None)
        for importer, imported in self._untold():
            self._graph.add_import(importer=importer, imported=imported)

    @property
    def tests(self) -> set[str]:
        """All test files, as modules."""
        return {name for name in self._graph.modules if _last(name).startswith("test_")}

    def _untold(self) -> Iterable[tuple[str, str]]:
        """Give what is loaded by its name; tests/house/test_import_by_string.py knows where."""
        points = pyproject()["project"]["entry-points"]
        for group, loader in (
            ("retender", "retender.plugins.host"),
            ("retender.simulators", "retender.simulators.kit.installed"),
        ):
            for target in points[group].values():
                yield loader, target.partition(":")[0]
        for command in self._graph.find_children("retender.entrypoints.cli"):
            yield "retender.entrypoints.cli.main", command
        for part in self._graph.find_children("retender.tests.simulation"):
            yield "retender.entrypoints.cli.drill", part
        # Pytest loads them: a test leans on those of its own folder, and of those above.
        for conftest in (name for name in self._graph.modules if _last(name) == "conftest"):
            folder = conftest.rpartition(".")[0]
            for test in self.tests:
                if test.startswith(f"{folder}."):
                    yield test, conftest

    def broken_by(self, files: Iterable[str]) -> list[str]:
        """
        Name the test files that a change of these files can break, the nearest first.

        A file that is no Python counts as a change of all modules of its folder. One that is
        above all rooms, as pyproject.toml is, reaches every test; one that only tests of the
        house read, as a document, reaches those.
        """
        far: dict[str, int] = {}
        for file in files:
            for test, steps in self._reached(Path(file)).items():
                far[test] = min(steps, far.get(test, FAR))
        if far:
            house = {name: HOUSE for name in self.tests if name.startswith("retender.tests.house.")}
            far = {name: min(steps, far.get(name, FAR)) for name, steps in (house | far).items()}
        return [path_of(name) for name in sorted(far, key=lambda name: (far[name], name))]

    def _reached(self, file: Path) -> dict[str, int]:
        module = ".".join(("retender", *file.with_suffix("").parts)).removesuffix(".__init__")
        if file.suffix == ".py" and module in self._graph.modules:
            return self._tests_at({module})
        if len(file.parts) > 1 and not file.parts[0].startswith("."):
            package = ".".join(("retender", *file.parent.parts))
            if package in self._graph.modules:
                return self._tests_at(self._graph.find_children(package))
        if file.suffix == ".toml" and len(file.parts) == 1:
            return dict.fromkeys(self.tests, FAR)
        return {name: HOUSE for name in self.tests if name.startswith("retender.tests.house.")}

    def _tests_at(self, modules: set[str]) -> dict[str, int]:
        """Walk the imports backwards, and note at which step each test file is met."""
        seen, edge, found, steps = set(modules), set(modules), dict[str, int](), 0
        tests = self.tests
        while edge:
            found |= dict.fromkeys(edge & tests, steps)
            importers = (self._graph.find_modules_that_directly_import(name) for name in edge)
            edge = {name for several in importers for name in several} - seen
            seen |= edge
            steps += 1
        return found


def _last(module: str) -> str:
    return module.rpartition(".")[2]


def path_of(module: str) -> str:
    """Return where a module of the tree stands."""
    return "/".join(module.split(".")[1:]) + ".py"
