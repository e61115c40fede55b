"""The result of one check of the doctor; a check that breaks is a result, too."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from retender.domain.model.errors import RetenderError
from retender.domain.model.operators import for_operators
from retender.plugins.host import safe_words

State: TypeAlias = Literal["well", "note", "wrong"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """
    One thing that was checked.

    Attributes:
        about: what was checked.
        state: well; worth a note; wrong.
        told: what was found.
        fix: what to do about it.

    """

    about: str
    state: State
    told: str
    fix: str = ""


Check: TypeAlias = Callable[[], AsyncIterator[CheckResult]]


async def run_check(
    about: str, check: Check, *, whose: str = "It", fix: str = ""
) -> list[CheckResult]:
    """
    Run a check. When it breaks, what it found before is kept, and the error is one more result.

    Args:
        about: what is checked.
        check: yields results.
        whose: whose code may break, to say so.
        fix: what to do then.

    """
    found: list[CheckResult] = []
    try:
        async for result in check():
            found.append(result)  # noqa: PERF401 - what was found before it broke is kept
    except RetenderError as error:
        found.append(CheckResult(about, "wrong", for_operators(error)))
    except (Exception, SystemExit) as trouble:  # noqa: BLE001 - a stranger's code may raise anything
        found.append(CheckResult(about, "wrong", f"{whose} broke: {safe_words(trouble)}", fix))
    return found
