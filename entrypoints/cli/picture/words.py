"""The transition table in words: as plain text, and as Mermaid for other people's documents."""

from collections.abc import Iterator

from retender.domain.model.transition import TABLE, Transition


def state_text() -> str:
    """Return the table as text, one machine after the other."""
    return "\n".join(line for name, rows in _machines() for line in [name, *_text(rows), ""])


def state_mermaid() -> str:
    """Return the three machines as Mermaid state diagrams."""
    return "\n".join(
        line
        for name, rows in _machines()
        for line in [f"%% {name}", "stateDiagram-v2", *_mermaid(rows), ""]
    )


def _machines() -> Iterator[tuple[str, list[Transition]]]:
    for kind in dict.fromkeys(type(row.target) for row in TABLE):
        rows = [row for row in TABLE if type(row.target) is kind]
        yield kind.__name__.removesuffix("State"), rows


def _text(rows: list[Transition]) -> Iterator[str]:
    sources = {row.event: ", ".join(row.sources) for row in rows}
    widest = max(map(len, sources.values()))
    longest = max(len(row.target) for row in rows)
    for row in rows:
        arrow = f"{sources[row.event]:>{widest}} -> {row.target:<{longest}}"
        yield f"  {arrow}  {row.event}: {row.because}"


def _mermaid(rows: list[Transition]) -> Iterator[str]:
    yield f"    [*] --> {rows[0].sources[0]}"
    for row in rows:
        for source in row.sources:
            yield f"    {source} --> {row.target}: {row.event}"
    left_again = {source for row in rows for source in row.sources}
    for target in dict.fromkeys(row.target for row in rows):
        if target not in left_again:
            yield f"    {target} --> [*]"
