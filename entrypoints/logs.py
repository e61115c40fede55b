"""Logging: every library's lines in one form, one line each, with secrets blotted out."""

import json
import logging
import sys
from collections.abc import Iterable
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from retender.domain.model.named import names
from retender.entrypoints.settings import LogSettings

BLOT = "<secret>"
_SHORTEST_SECRET = 8

_BY_ROOT = ("uvicorn", "uvicorn.error", "uvicorn.access", "alembic", "sqlalchemy")
_CHATTY = ("httpx", "httpcore", "aiosqlite", "asyncio", "sqlalchemy.engine", "python_multipart")


def configure_logging(
    settings: LogSettings, *, secrets: Iterable[str] = (), stream: TextIO | None = None
) -> None:
    """
    Send everything that is logged to one stream; calling again replaces it.

    The core and the plugins log through the standard library and know nothing
    of this. A secret should never get as far as a log; if one does, in a message
    or a traceback, it is blotted out of the finished line.

    Args:
        settings: least severity, and whether people or machines read.
        secrets: texts that must not appear; those under 8 characters are
            let through, as they would blot out half of every line.
        stream: where to; the standard error stream if not given.

    """
    out = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _with_names,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendered(settings, colours=out.isatty()),
                _Blot(secrets),
            ],
        )
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(settings.level.upper())
    for name in _BY_ROOT:
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _rendered(settings: LogSettings, *, colours: bool) -> list[Processor]:
    # Tracebacks show where, never the variables there: those may hold anything.
    if settings.format == "json":
        where = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        return [
            structlog.processors.ExceptionRenderer(where),
            structlog.processors.JSONRenderer(serializer=_json),
        ]
    plain = structlog.dev.plain_traceback
    return [_one_line, structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=plain)]


def _json(value: object, **options: Any) -> str:  # noqa: ANN401 - they are json.dumps's
    """Write readable letters as they are, and what could break a line as an escape."""
    text = json.dumps(value, ensure_ascii=False, **options)
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def _with_names(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Say of which order, attempt and account a line is, whoever writes it."""
    return {**names(), **event}


def _one_line(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """
    Escape what would break or forge a line on a console.

    A caller's text may hold a line break and a made-up line after it, or an
    escape sequence that repaints the terminal.
    """
    return {
        key: _escaped(value) if isinstance(value, str) and key != "exception" else value
        for key, value in event.items()
    }


def _escaped(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class _Blot:
    """Replaces secrets in a finished line, also when they run over several lines."""

    def __init__(self, secrets: Iterable[str]) -> None:
        pieces = {
            piece.strip()
            for secret in secrets
            for written in (secret, json.dumps(secret)[1:-1])
            for piece in (written, *secret.splitlines())
            if len(piece.strip()) >= _SHORTEST_SECRET and not piece.startswith("-----")
        }
        self._pieces = sorted(pieces, key=len, reverse=True)

    def __call__(self, _logger: WrappedLogger, _method: str, line: EventDict | str) -> str:
        """Return the line without them."""
        text = str(line)
        for piece in self._pieces:
            text = text.replace(piece, BLOT)
        return text
