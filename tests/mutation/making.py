"""
Making mutants: every way in which a module can be spoilt, without those that change nothing.

Left out is what does not parse, and what differs in annotations or decorators only.
"""

import ast
import difflib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import cosmic_ray.plugins
from cosmic_ray.commands.init import init
from cosmic_ray.mutating import mutate_code
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import TestOutcome, WorkerOutcome, WorkResult

from retender.tests.mutation import operators
from retender.tests.mutation.reach import ROOT, digest


@dataclass(frozen=True, slots=True)
class Key:
    """
    What names a mutant for as long as its line stays what it is, wherever it moves.

    Attributes:
        module: its path from the root.
        function: the class and function that it stands in; empty at module level.
        operator: in which way it is spoilt.
        before: what is written.
        after: what the mutant writes.

    """

    module: str
    function: str
    operator: str
    before: str
    after: str

    def __str__(self) -> str:
        where = f"{self.module} {self.function}".rstrip()
        return f"{where}: {self.before}  ->  {self.after}"


@dataclass(frozen=True, slots=True)
class Mutant:
    """
    One place where a module can be spoilt in one way.

    Attributes:
        module: its path from the root.
        function: the class and function that it stands in; empty at module level.
        operator: in which way it is spoilt.
        occurrence: which of the operator's places in the module it is.
        job: what names it in the session's database.
        lines: the lines of its statement; empty at module and class level, which runs at import.

    """

    module: str
    function: str
    operator: str
    occurrence: int
    job: str
    lines: frozenset[int]

    def spoil(self) -> "Spoilt | None":
        """Make the mistake; None, if it changes nothing or is no Python."""
        operators.install()
        source = (ROOT / self.module).read_text()
        cls = cosmic_ray.plugins.get_operator(f"retender/{self.operator}")
        spoilt = mutate_code(source, cls(), self.occurrence)
        if not isinstance(spoilt, str) or _meaning(spoilt) in {None, _meaning(source)}:
            return None
        before, after = _difference(source, spoilt)
        return Spoilt(Key(self.module, self.function, self.operator, before, after), spoilt)


@dataclass(frozen=True, slots=True)
class Spoilt:
    """A module with a mistake: the mistake's name, and the whole source."""

    key: Key
    source: str


class Fate(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    SURVIVED = "survived"
    SENSELESS = "senseless"


class Session:
    """
    The mutants of one module with what became of them, kept in a file.

    A module that has changed gets a new session: a result is true of the code
    that was tried.
    """

    def __init__(self, folder: Path, module: str) -> None:
        """Make the mutants, or take up where somebody stopped."""
        self.module = module
        folder.mkdir(parents=True, exist_ok=True)
        name = module.removesuffix(".py").replace("/", ".")
        self._path = folder / f"{name}.{digest(ROOT / module)}.sqlite"
        if not self._path.exists():
            for old in folder.glob(f"{name}.????????????????.sqlite"):
                old.unlink()
            self._make(folder)
        with use_db(self._path, WorkDB.Mode.open) as db:
            self.mutants = list(self._read(db))
            self.fates = {job: _fate(result) for job, result in db.results}

    def _make(self, folder: Path) -> None:
        """Make all, and only then give the file its name: half a session is none."""
        operators.install()
        with tempfile.TemporaryDirectory(dir=folder) as half:
            path = Path(half, "session.sqlite")
            with use_db(path) as db:
                init([ROOT / self.module], db, {})
            path.rename(self._path)

    def _read(self, db: WorkDB) -> Iterator[Mutant]:
        places = Places((ROOT / self.module).read_text())
        specs = [(item.job_id, item.mutations[0]) for item in db.work_items]
        for job, spec in sorted(
            specs, key=lambda each: (each[1].start_pos, each[1].operator_name, each[1].occurrence)
        ):
            name = spec.operator_name.partition("/")[2]
            function, lines = places.of(spec.start_pos[0])
            yield Mutant(self.module, function, name, spec.occurrence, job, lines)

    def keep(self, mutant: Mutant, fate: Fate, *, by: str = "") -> None:
        """Write down at once what became of a mutant, and by which test."""
        if fate is Fate.SENSELESS:
            result = WorkResult(WorkerOutcome.SKIPPED)
        else:
            result = WorkResult(WorkerOutcome.NORMAL, by, TestOutcome(fate.value))
        with use_db(self._path, WorkDB.Mode.open) as db:
            db.set_result(mutant.job, result)
        self.fates[mutant.job] = fate


def _fate(result: WorkResult) -> Fate:
    return Fate(result.test_outcome.value) if result.test_outcome else Fate.SENSELESS


def _difference(source: str, spoilt: str) -> tuple[str, str]:
    lines = difflib.ndiff(source.splitlines(), spoilt.splitlines())
    changed = [(line[0], " ".join(line[2:].split())) for line in lines if line[0] in "+-"]
    before, after = (" ".join(text for sign, text in changed if sign == s) for s in "-+")
    return before, after


class _Behaviour(ast.NodeTransformer):
    """Takes out what does not act: annotations, decorators and texts that explain."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(0)
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._bare(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._bare(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.decorator_list = []
        return self.generic_visit(node)

    def _bare(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        node.decorator_list = []
        return self.generic_visit(node)


def _meaning(source: str) -> str | None:
    """Return what a module does, as a text; None, if it is no Python."""
    try:
        compile(source, "mutant", "exec")
        return ast.dump(_Behaviour().visit(ast.parse(source)))
    except (SyntaxError, ValueError):
        return None


class Places:
    """For each line of a module, the function that it stands in, and its statement's lines."""

    def __init__(self, source: str) -> None:
        self._functions: dict[int, str] = {}
        self._statements: dict[int, frozenset[int]] = {}
        self._walk(ast.parse(source).body, (), inside=False)

    def of(self, line: int) -> tuple[str, frozenset[int]]:
        """Return the name, and the lines that say whether the mutant ran; none at import."""
        return self._functions.get(line, ""), self._statements.get(line, frozenset())

    def _walk(self, body: list[ast.stmt], path: tuple[str, ...], *, inside: bool) -> None:
        for statement in body:
            end = statement.end_lineno or statement.lineno
            name = getattr(statement, "name", None)
            is_def = isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            here = (*path, str(name)) if is_def else path
            # What a def's own line says, its defaults, is worked out where the def stands.
            blocks = list(_blocks(statement))
            head = range(statement.lineno, blocks[0][0].lineno if blocks else end + 1)
            for line in range(statement.lineno, end + 1):
                self._functions[line] = ".".join(here)
            for line in head if inside else ():
                self._statements[line] = frozenset(head)
            below = inside or isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef)
            for block in blocks:
                self._walk(block, here, inside=below)


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """Yield the blocks of a statement, in the order of their lines."""
    for field in ("body", "handlers", "orelse", "finalbody", "cases"):
        for block in [getattr(statement, field, None)]:
            if not block:
                continue
            if isinstance(block[0], ast.stmt):
                yield block
            else:
                yield from (each.body for each in block)
