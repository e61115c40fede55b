"""The key that encrypts stored pages: set by the operator, or made once beside the database."""

import base64
import binascii
import os
import secrets
from pathlib import Path
from urllib.parse import unquote, urlsplit

from retender.domain.model.errors import SetupError
from retender.entrypoints.settings import ENV_PREFIX, MEMORY, Settings

KEY_BYTES = 32


def page_key_of(settings: Settings) -> bytes:
    """
    Return the 32 bytes under which handed-out pages are stored.

    Everyone who shares a database needs the same one. For an SQLite file it is
    made once, in ``NAME.page-key`` beside it, readable by its owner only; other
    databases have no such place, so there it must be set.

    Raises:
        SetupError: no key, an unreadable file, or not 32 bytes.

    """
    if settings.page_key is not None:
        return _decoded("page_key", settings.page_key.get_secret_value())
    if settings.page_key_file is not None:
        return _from_file("page_key_file", Path(settings.page_key_file))
    url = settings.database_url.get_secret_value()
    if url == MEMORY:
        return secrets.token_bytes(KEY_BYTES)
    database = _sqlite_file(url)
    if database is None:
        raise SetupError(
            "page_key is not set: this database has no place of its own for it. Make one with "
            "`openssl rand -hex 32` and set page_key or page_key_file."
        )
    if not database.parts:
        return secrets.token_bytes(KEY_BYTES)
    path = _beside(database)
    if not path.exists():
        _make(path)
    return _from_file("the page key", path)


def source_of_page_key(settings: Settings) -> str:
    """Say where the key comes from, so that an operator finds it; never what it is."""
    if settings.page_key is not None:
        return f"setting page_key (or {ENV_PREFIX}PAGE_KEY)"
    if settings.page_key_file is not None:
        return f"page_key_file {settings.page_key_file}"
    url = settings.database_url.get_secret_value()
    database = None if url == MEMORY else _sqlite_file(url)
    return str(_beside(database)) if database and database.parts else "this process"


def _beside(database: Path) -> Path:
    return database.with_name(f"{database.name}.page-key")


def _sqlite_file(url: str) -> Path | None:
    """Find the database file; an empty path is SQLite's memory, None is no SQLite."""
    parts = urlsplit(url)
    if parts.scheme.split("+")[0] != "sqlite":
        return None
    name = unquote(parts.path[1:])
    return Path() if name in {"", ":memory:"} else Path(name)


def _make(path: Path) -> None:
    """
    Write a fresh key, whole or not at all.

    Server and worker may start together: the link succeeds for one of them, and
    both then read what that one wrote.
    """
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{secrets.token_hex(KEY_BYTES)}\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return  # another process was quicker; its key is the key
        finally:
            draft.unlink()
    except OSError as error:
        raise SetupError(
            f"The page key {path} cannot be written: {error.strerror}. "
            "Make its folder writable, or set page_key."
        ) from error


def _from_file(name: str, path: Path) -> bytes:
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(
            f"{name}: {path} cannot be read: set it to a file with the key."
        ) from error
    return _decoded(f"{name} {path}", text)


def _decoded(name: str, text: str) -> bytes:
    """Read 64 hex digits, or base64 (either alphabet) of 32 bytes."""
    bare = text.strip()
    try:
        if len(bare) == 2 * KEY_BYTES:
            return bytes.fromhex(bare)
        padded = bare.translate(str.maketrans("-_", "+/")).rstrip("=")
        key = base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != KEY_BYTES:
        raise SetupError(
            f"{name} is not 32 bytes in hex or base64: make one with `openssl rand -hex 32`."
        )
    return key
