"""One thing that the doctor looked at, and how a look that breaks becomes one."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from retender.domain.model.errors import RetenderError
from retender.domain.model.operators import for_operators
from retender.plugins.host import safe_words

State: TypeAlias = Literal["well", "note", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One thing that was looked at.

    Attributes:
        about: what was looked at.
        state: well; worth a note; wrong.
        told: what was found.
        fix: what to do about it.

    """

    about: str
    state: State
    told: str
    fix: str = ""


Look: TypeAlias = Callable[[], AsyncIterator[Finding]]


async def looked(about: str, look: Look, *, whose: str = "It", fix: str = "") -> list[Finding]:
    """
    Look, and keep what was found when it breaks: what broke it is a finding, too.

    Args:
        about: what is looked at.
        look: yields findings.
        whose: whose code may break, to say so.
        fix: what to do then.

    """
    found: list[Finding] = []
    try:
        async for finding in look():
            found.append(finding)  # noqa: PERF401 - what was found before it broke is kept
    except RetenderError as error:
        found.append(Finding(about, "wrong", for_operators(error)))
    except (Exception, SystemExit) as trouble:  # noqa: BLE001 - a stranger's code may raise anything
        found.append(Finding(about, "wrong", f"{whose} broke: {safe_words(trouble)}", fix))
    return found
