"""Read the settings; what is wrong with them is said with its place, its name and the way out."""

import os
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from retender.domain.model.errors import SetupError
from retender.entrypoints.settings import ENV_NESTING, ENV_PREFIX, AccountSettings, Settings

CONFIG_VARIABLE = "RETENDER_CONFIG"
DEFAULT_FILE = "retender.toml"


_SECRET = {"database_url", "page_key"}
_FILE_MAX = 65_536


def load_settings(path: Path | None = None) -> Settings:
    """
    Read the file, let the environment win over it, and fetch values kept in files.

    Args:
        path: the TOML file; else ``RETENDER_CONFIG`` names it, else
            ``retender.toml`` is read if it is there. A file that was named must exist.

    Raises:
        SetupError: one line for each problem: where, which key, what, the fix.

    """
    found = _find(path)
    values = _read_toml(found) if found else {}
    problems = [*_unknown_variables()]
    for key in [key for key in values if key.startswith("_")]:
        # The reader of settings has switches of its own with such names.
        del values[key]
        problems.append(f"{found}: {_unknown_key([key])}")
    settings = None
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        problems += [_complaint(detail, found) for detail in error.errors(include_url=False)]
    if problems or settings is None:
        raise SetupError("\n".join(problems), problems=problems)
    return _with_files_read(settings, found.parent if found else Path())


def _find(path: Path | None) -> Path | None:
    named = path or (Path(os.environ[CONFIG_VARIABLE]) if os.environ.get(CONFIG_VARIABLE) else None)
    if named is None:
        return Path(DEFAULT_FILE) if Path(DEFAULT_FILE).is_file() else None
    if not named.is_file():
        raise SetupError(f"There is no settings file {named}: create it, or name another.")
    return named


def _read_toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SetupError(f"{path} is not UTF-8: save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise SetupError(f"{path} is not TOML: {error}.") from error


# --- complaints ------------------------------------------------------------------------


def _unknown_variables() -> Iterable[str]:
    """Find variables that nothing would read: with a typo, a setting is silently lost."""
    known = sorted(Settings.model_fields)
    for variable in sorted(os.environ):
        name = variable.upper()
        if not name.startswith(ENV_PREFIX) or name == CONFIG_VARIABLE:
            continue
        top = name.removeprefix(ENV_PREFIX).split(ENV_NESTING)[0].lower()
        if top not in known:
            meant = get_close_matches(top, known, n=1)
            hint = f" Did you mean {_variable(meant)}?" if meant else ""
            yield f"environment: {variable} is no setting.{hint}"


def _complaint(detail: ErrorDetails, file: Path | None) -> str:
    """Say in one line where, which key, what is wrong with it, and what would be right."""
    loc = [str(part) for part in detail["loc"]]
    variable = _variable(loc)
    from_environment = any(name.upper() == variable for name in os.environ)
    where = f"environment, {variable}" if from_environment else str(file or "settings")
    key = ".".join(loc)
    if detail["type"] == "extra_forbidden":
        return f"{where}: {_unknown_key(loc)}"
    what = detail["msg"].removeprefix("Value error, ")
    if not key or what.startswith(f"{loc[0]}."):
        return f"{where}: {what}."
    what = what[0].lower() + what[1:]
    given = "" if _is_secret(loc) else _shown(detail["input"])
    return f"{where}: {key}: {what}{given}.{_meaning(loc)}"


def _unknown_key(loc: list[str]) -> str:
    *above, name = loc
    model = _model_at(above)
    known = sorted(model.model_fields) if model else []
    prefix = "".join(f"{part}." for part in above)
    meant = get_close_matches(name, known, n=1)
    hint = f" Did you mean {prefix}{meant[0]}?" if meant else ""
    return f"{prefix}{name} is no setting.{hint} There is: {', '.join(known)}."


def _meaning(loc: list[str]) -> str:
    """Repeat what the setting is, and its default, from its one description."""
    field = _field_at(loc)
    if field is None or not field.description:
        return ""
    default = field.get_default()
    usual = "" if field.is_required() or default is None or _is_secret(loc) else f" ({default})"
    return f" It is the {field.description}{usual}."


def _field_at(loc: list[str]) -> FieldInfo | None:
    model = _model_at(loc[:-1])
    return model.model_fields.get(loc[-1]) if model and loc else None


def _model_at(loc: list[str]) -> type[BaseModel] | None:
    """Find the table that a path of keys leads to."""
    match loc:
        case []:
            return Settings
        case ["accounts", _]:
            return AccountSettings
        case [name] if (field := Settings.model_fields.get(name)) is not None:
            kind = field.annotation
            return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None
    return None


def _is_secret(loc: list[str]) -> bool:
    """Tell whether the value must not be shown: of an account, only our own keys may be."""
    if loc[0] == "accounts":
        return _field_at(loc) is None
    return loc[0] in _SECRET


def _shown(value: object) -> str:
    plain = isinstance(value, str | int | float)
    return f", and it is {str(value)[:40]!r}" if plain else ""


def _variable(loc: list[str]) -> str:
    return ENV_PREFIX + ENV_NESTING.join(loc).upper()


# --- values kept in files --------------------------------------------------------------


def _with_files_read(settings: Settings, folder: Path) -> Settings:
    """Replace each account's ``NAME_file`` by ``NAME`` with what stands in the file."""
    accounts = {
        name: AccountSettings(
            **{field: getattr(account, field) for field in AccountSettings.model_fields},
            **_own_read(f"accounts.{name}", account.own, folder),
        )
        for name, account in settings.accounts.items()
    }
    update: dict[str, object] = {"accounts": accounts}
    if settings.page_key_file is not None:
        update["page_key_file"] = str(folder / settings.page_key_file)
    return settings.model_copy(update=update)


def _own_read(where: str, own: Mapping[str, SecretStr], folder: Path) -> dict[str, SecretStr]:
    values: dict[str, SecretStr] = {}
    for key, value in own.items():
        name = key.removesuffix("_file")
        if name == key:
            values[key] = value
        elif name in own:
            raise SetupError(f"{where}: give {name} or {key}, not both.")
        else:
            values[name] = _file_value(f"{where}.{key}", folder / value.get_secret_value())
    return values


def _file_value(where: str, path: Path) -> SecretStr:
    """Read a file's text; relative paths count from the folder of the settings file."""
    try:
        with path.open("rb") as file:
            data = file.read(_FILE_MAX + 1)
        text = data.decode("utf-8").strip()
    except OSError as error:
        raise SetupError(f"{where}: {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SetupError(f"{where}: {path} is not UTF-8 text.") from error
    if not text or len(data) > _FILE_MAX:
        raise SetupError(f"{where}: {path} must hold 1 to {_FILE_MAX} bytes.")
    return SecretStr(text)
