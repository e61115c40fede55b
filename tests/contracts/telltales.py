"""Where a secret might show: what an error tells, down its chain, and what was logged."""

import logging
import traceback

import pytest


def told(trouble: object) -> str:
    """
    Return all that an error may tell: words, facts, and those of what it came from.

    The local values of frames belong to it, as some loggers print them; but for frames of
    tests, which hold what was asked. What is no error tells nothing.
    """
    texts: list[str] = []
    error = trouble if isinstance(trouble, BaseException) else None
    while error is not None:
        texts += [str(error), repr(error), repr(getattr(error, "details", None))]
        texts += traceback.format_exception(error)
        frames = traceback.StackSummary.extract(
            traceback.walk_tb(error.__traceback__), capture_locals=True
        )
        texts += [repr(frame.locals) for frame in frames if "tests" not in frame.filename]
        error = error.__cause__ or error.__context__
    return "\n".join(texts)


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """Return all that was logged, at every level, with every field."""
    return "\n".join(logging.Formatter().format(r) + repr(vars(r)) for r in caplog.records)
