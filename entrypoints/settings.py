"""Settings: one frozen value out of a TOML file and the environment, or a clear complaint."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from retender.domain.model.errors import AmountInvalid, RetenderError
from retender.domain.model.money import Money
from retender.domain.model.switch_policy import SwitchPolicy
from retender.ports.pay_policy import STRICT_OVER, PageStrategy

ENV_PREFIX = "RETENDER_"
ENV_NESTING = "__"

MEMORY = "memory:"
"""The ``database_url`` of a store that forgets everything at the end; for trying out."""

_ACCOUNT_NAME = re.compile(r"[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*")
_ACCOUNT_NAME_MAX = 64


def _listed(value: object) -> object:
    """Read ``a, b`` as a list, since the environment has no other way to write one."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _worded(value: object) -> object:
    """Take TOML's ``true`` and ``7`` for texts: a provider's settings are texts."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else value


def _limits(value: object) -> object:
    """Read amounts by currency, and add them to those that stand by default."""
    if not isinstance(value, Mapping):
        raise ValueError('it is a table of amounts by currency, such as { CNY = "1000.00" }')  # noqa: TRY004 - pydantic tells of ValueErrors
    limits = dict(STRICT_OVER)
    for name, amount in value.items():
        # The environment's names come in small letters.
        currency = str(name).upper()
        try:
            limits[currency] = _amount(amount, currency)
        except RetenderError as problem:
            raise ValueError(f"{name}: {problem.message}") from problem
    return limits


def _amount(value: object, currency: str) -> Money:
    if isinstance(value, Money):
        return value
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole and not isinstance(value, str):
        raise AmountInvalid(value, 'write it as a text such as "1000.00"')
    return Money.parse(str(value), currency)


Limits = Annotated[dict[str, Money], BeforeValidator(_limits)]
Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]
ProviderSetting = Annotated[SecretStr, BeforeValidator(_worded)]
Seconds = Annotated[int, Field(ge=0, le=366 * 24 * 3600)]
Patience = Annotated[int, Field(ge=1, le=366 * 24 * 3600)]
SomeSeconds = Annotated[float, Field(gt=0, le=600, allow_inf_nan=False)]


class Section(BaseModel):
    """A table of the file; a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class HttpSettings(Section):
    """Where we listen, and how much we read."""

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    max_body_bytes: int = Field(
        262_144, ge=1024, le=2**24, description="longest request body that is read"
    )
    max_notice_bytes: int = Field(
        65_536, ge=1024, le=2**24, description="longest provider notice that is read"
    )


class PaySettings(Section):
    """How an order's time is shared out, and what a second payment may do."""

    pay_within_seconds: int = Field(
        1800, ge=60, le=30 * 24 * 3600, description="time to pay that the payer sees"
    )
    page_strategy: PageStrategy = Field(
        PageStrategy.STORED_PAGE,
        description="coming back: show the page we keep, or ask for one again",
    )
    switch_policy: SwitchPolicy = Field(
        SwitchPolicy.ADAPTIVE, description="what must be true of the first page before a second"
    )
    strict_over: Limits = Field(
        dict(STRICT_OVER),
        description="amounts above which adaptive is strict, by currency; "
        "in one that is not named, it always is",
    )
    grace_seconds: int = Field(
        60, ge=-86_400, le=86_400, description="provider's deadline minus the payer's; may be < 0"
    )
    cutoff_seconds: Seconds = Field(0, description="refuse who comes with less time than this left")
    watch_seconds: Seconds = Field(
        120,
        description="how long after the provider's deadline late money is looked for; "
        "nobody begins to pay where clocks are further apart than this",
    )
    asking_seconds: int = Field(
        15, ge=1, le=600, description="how long one request may be busy asking for a page"
    )
    refresh_seconds: SomeSeconds = Field(
        3.0, description="how long a command may ask what became of the pages it depends on"
    )

    @model_validator(mode="after")
    def _no_late_money_is_missed(self) -> Self:
        if self.grace_seconds + self.watch_seconds < 0:
            raise ValueError(
                "pay.grace_seconds and pay.watch_seconds together must not be negative: "
                "raise watch_seconds"
            )
        return self


class WorkerSettings(Section):
    """How often the worker looks, and how much it takes at once."""

    interval_seconds: SomeSeconds = Field(5.0, description="pause between two rounds, give or take")
    batch: int = Field(
        20, ge=1, le=1000, description="how much work of each account one round takes"
    )
    lease_seconds: int = Field(
        60, ge=1, le=3600, description="after this, another worker takes over backlog work"
    )
    stop_seconds: SomeSeconds = Field(
        25.0, description="how long a stop waits for what is begun; a second one waits no more"
    )


class AttentionSettings(Section):
    """For how long anything may stay unknown before a human is called."""

    unknown_seconds: Patience = Field(
        3600, description="after an attempt's watch, that nobody knows what became of it"
    )
    refund_seconds: Patience = Field(86_400, description="that a refund may be under way")
    untold_seconds: Patience = Field(3600, description="that the shop may not hear of an event")


class PluginSettings(Section):
    """Which installed plugins are used."""

    only: Names = Field((), description="use these and no others; empty: all that are installed")
    block: Names = Field((), description="never load these")


class TransportSettings(Section):
    """Bounds on every call to a provider's gateway."""

    connect_seconds: SomeSeconds = Field(1.0, description="time to make a connection")
    read_seconds: SomeSeconds = Field(5.0, description="longest silence of a gateway")
    total_seconds: SomeSeconds = Field(10.0, description="time for one whole call")
    max_connections: int = Field(
        50, ge=1, le=1000, description="calls in flight per account; others wait connect_seconds"
    )
    max_bytes: int = Field(4_194_304, ge=1024, le=2**30, description="longest answer that is read")
    breaker_failures: int = Field(
        5, ge=1, le=1000, description="calls in a row without an answer before it is left alone"
    )
    breaker_seconds: SomeSeconds = Field(
        5.0, description="for how long at first; doubled after every probe in vain"
    )
    breaker_max_seconds: SomeSeconds = Field(
        60.0, description="for how long at most, so that who recovers is soon found well"
    )


class LogSettings(Section):
    """What is logged, and for whom."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least severity that is logged"
    )
    format: Literal["console", "json"] = Field(
        "console", description="console for people, json for machines"
    )


class AccountSettings(BaseModel):
    """
    One provider account.

    Keys that are not listed here are the provider's own settings; ``NAME_file``
    instead of ``NAME`` names a file that holds the value. All of them are kept
    as secrets, since only the plugin knows which are.
    """

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, ProviderSetting]

    provider: str = Field(description="which provider plugin, see `retender plugins`")
    title: str | None = Field(None, description="name for people; default: the provider's")
    enabled: bool = Field(
        default=True,
        description="false: it is drained: no new payments, but what is begun is finished",
    )
    switch_policy: SwitchPolicy | None = Field(
        None, description="overrides pay.switch_policy for this account"
    )
    credentials_epoch: str | None = Field(
        None,
        max_length=64,
        description="change it to retire all handed-out pages; default: follows the settings below",
    )

    @property
    def own(self) -> Mapping[str, SecretStr]:
        """The provider's own settings."""
        return self.__pydantic_extra__


class Settings(BaseSettings):
    """
    Everything that an operator can choose; every value but an account has a default.

    The arguments stand for the file; environment variables win over them
    (``RETENDER_HTTP__PORT=9000`` for ``port`` in ``[http]``). ``load_settings``
    reads the file and says what is wrong in words.
    """

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter=ENV_NESTING,
        # A provider's setting is text, also when it looks like a JSON number.
        enable_decoding=False,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    database_url: SecretStr = Field(
        SecretStr("sqlite+aiosqlite:///retender.db"),
        description="SQLAlchemy URL of the database; `memory:` keeps nothing",
    )
    public_url: str = Field(
        "http://127.0.0.1:8000",
        description="how providers and browsers reach us; notices and pages hang below it",
    )
    page_key: SecretStr | None = Field(
        None, description="32 bytes in hex or base64 that encrypt stored pages"
    )
    page_key_file: str | None = Field(
        None, description="file with that key; default: made beside an SQLite database"
    )
    http: HttpSettings = HttpSettings()
    pay: PaySettings = PaySettings()
    worker: WorkerSettings = WorkerSettings()
    attention: AttentionSettings = AttentionSettings()
    plugins: PluginSettings = PluginSettings()
    transport: TransportSettings = TransportSettings()
    log: LogSettings = LogSettings()
    accounts: Mapping[str, AccountSettings] = Field(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file."""
        return env_settings, init_settings

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be an address such as https://pay.example.com")
        if parts.query or parts.fragment or parts.username:
            raise ValueError("must have no query, fragment or user name")
        return url.rstrip("/")

    @field_validator("accounts")
    @classmethod
    def _have_names(cls, accounts: Mapping[str, AccountSettings]) -> Mapping[str, AccountSettings]:
        for name in accounts:
            # They stand in addresses of notices and in names of environment variables.
            if len(name) > _ACCOUNT_NAME_MAX or not _ACCOUNT_NAME.fullmatch(name):
                raise ValueError(
                    f"{name[:80]!r} is no name of an account: "
                    "use small letters, digits and single '_' or '-', starting with a letter"
                )
        return accounts

    @model_validator(mode="after")
    def _claims_outlast_calls(self) -> Self:
        """Keep a claim alive while its holder may still be waiting for a gateway."""
        for key, seconds in (
            ("pay.asking_seconds", self.pay.asking_seconds),
            ("worker.lease_seconds", self.worker.lease_seconds),
        ):
            if seconds <= self.transport.total_seconds:
                raise ValueError(f"{key} must be more than transport.total_seconds: raise {key}")
        return self

    @property
    def database(self) -> str:
        """The database for people: its address without user, password and options."""
        url = self.database_url.get_secret_value()
        if url == MEMORY:
            return url
        parts = urlsplit(url)
        _, _, place = parts.netloc.rpartition("@")
        return f"{parts.scheme}://{place}{parts.path}"
