"""A small disk of its own, to be filled to the last byte."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_BLOCK = b"\0" * 4096


class NoMount(Exception):
    """This machine does not let us mount anything."""


@dataclass(frozen=True, slots=True)
class Disk:
    """A mounted file system in memory."""

    folder: Path

    @property
    def filler(self) -> Path:
        """A file that takes all the room."""
        return self.folder / "filler"

    def fill(self) -> None:
        """Leave not a byte."""
        with self.filler.open("ab", buffering=0) as file:
            try:
                while file.write(_BLOCK) == len(_BLOCK):
                    pass
            except OSError:
                return

    def free(self) -> None:
        """Give the room back."""
        self.filler.unlink()

    def make_read_only(self) -> None:
        """Refuse all writing from now on; nothing may be open for writing."""
        _mount("-o", "remount,ro", str(self.folder))


@contextmanager
def a_disk(folder: Path, megabytes: int) -> Iterator[Disk]:
    """
    Mount a disk of so many megabytes on the folder, and take it off in the end.

    Raises:
        NoMount: that takes root, and a machine that lets it.

    """
    _mount("-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder))
    try:
        yield Disk(folder)
    finally:
        # Lazily: a process that was just killed may hold a file for a moment.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _mount(*arguments: str) -> None:
    if shutil.which("mount") is None:
        raise NoMount("there is no mount")
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoMount(done.stderr.strip())
