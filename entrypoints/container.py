"""The container: the only file that names concrete classes, and how they fit together."""

import secrets
import string
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from random import SystemRandom

from dependency_injector.containers import DeclarativeContainer
from dependency_injector.providers import Dependency, Factory, Object, Singleton

from retender.adapters.afterwards import settled_with
from retender.adapters.announcer import InProcessAnnouncer, log_event
from retender.adapters.clock import system_clock
from retender.adapters.http.guard import GuardLimits, Guards
from retender.adapters.http.limits import HttpLimits
from retender.adapters.http.transport import HttpxTransport
from retender.adapters.ids import UlidIds
from retender.adapters.memory.unit_of_work import MemoryUnitOfWork
from retender.adapters.sql import schema
from retender.adapters.sql.database_time import database_time as time_of
from retender.adapters.sql.database_time import is_elsewhere
from retender.adapters.sql.durability import shortcomings
from retender.adapters.sql.engine import open_engine
from retender.adapters.sql.sealed import unopened
from retender.adapters.sql.unit_of_work import SqlUnitOfWork
from retender.adapters.time_budget import AsyncTimeBudget
from retender.adapters.watched_clock import GatewayClocks
from retender.domain.model.deadline import DeadlinePolicy
from retender.domain.model.errors import SetupError
from retender.domain.use_cases.announce_events import AnnounceEvents
from retender.domain.use_cases.check_attempt import CheckAttempt
from retender.domain.use_cases.check_refund import CheckRefund
from retender.domain.use_cases.close_order import CloseOrder
from retender.domain.use_cases.escalate import Escalate, Patience
from retender.domain.use_cases.expire_orders import ExpireOrders
from retender.domain.use_cases.explain_order import ExplainOrder
from retender.domain.use_cases.find_due_work import FindDueWork
from retender.domain.use_cases.list_attention import ListAttention
from retender.domain.use_cases.list_attention_history import ListAttentionHistory
from retender.domain.use_cases.list_methods import ListMethods
from retender.domain.use_cases.pay_order import PayOrder
from retender.domain.use_cases.peek_due_work import PeekDueWork
from retender.domain.use_cases.place_order import PlaceOrder
from retender.domain.use_cases.recheck_attention import RecheckAttention
from retender.domain.use_cases.refund_payment import RefundPayment
from retender.domain.use_cases.resolve_attention import ResolveAttention
from retender.domain.use_cases.set_aside import SetAside
from retender.domain.use_cases.show_attention import ShowAttention
from retender.domain.use_cases.show_order import ShowOrder
from retender.domain.use_cases.show_page import ShowPage
from retender.domain.use_cases.show_refund import ShowRefund
from retender.domain.use_cases.take_notice import TakeNotice
from retender.entrypoints.accounts import AccountBuilder, secrets_of
from retender.entrypoints.addresses import Addresses
from retender.entrypoints.page_key import page_key_of
from retender.entrypoints.settings import MEMORY, Settings
from retender.entrypoints.store import Store, forgetful
from retender.entrypoints.worker import Worker
from retender.plugins.host import PluginHost, load_plugins
from retender.plugins.registry import ClientTypeRegistry
from retender.ports.accounts import Accounts
from retender.ports.afterwards import Afterwards
from retender.ports.announcer import Announcer
from retender.ports.client_types import ClientTypes
from retender.ports.clock import Clock
from retender.ports.new_id import NewId
from retender.ports.pay_policy import PayPolicy
from retender.ports.reach import CheckReach
from retender.ports.time_budget import NewTimeBudget
from retender.ports.transport import Transport
from retender.ports.unit_of_work import UnitOfWork

_LETTERS = string.ascii_letters + string.digits


def _random_text(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def _open_store(settings: Settings, key: bytes, exits: AsyncExitStack) -> Store:
    """Open the database that the settings name; it connects when first used."""
    url = settings.database_url.get_secret_value()
    if url == MEMORY:
        return forgetful(MemoryUnitOfWork())
    engine = open_engine(url)
    exits.push_async_callback(engine.dispose)
    return Store(
        unit_of_work=SqlUnitOfWork(engine, page_key=key),
        embedded=engine.dialect.name == "sqlite",
        upgrade=lambda: schema.upgrade(url),
        current=lambda: schema.current(url),
        check=lambda: schema.check(url),
        standing=lambda: schema.standing(url),
        differences=lambda: schema.differing(url),
        shortcomings=lambda: shortcomings(engine),
        unopened=lambda: unopened(engine, key),
        time=partial(time_of, engine) if is_elsewhere(engine.url) else None,
    )


def _unit_of_work(store: Store) -> UnitOfWork:
    return store.unit_of_work


def _transports(
    settings: Settings, clock: Clock, gateway_clocks: GatewayClocks, exits: AsyncExitStack
) -> Callable[[str], Transport]:
    """Return what makes each account a connection of its own, closed at the end."""
    chosen = settings.transport
    limits = HttpLimits(
        connect_within=timedelta(seconds=chosen.connect_seconds),
        read_within=timedelta(seconds=chosen.read_seconds),
        answer_within=timedelta(seconds=chosen.total_seconds),
        connections_max=chosen.max_connections,
        body_max_bytes=chosen.max_bytes,
    )

    def transport(account: str) -> Transport:
        made = HttpxTransport(clock=clock, limits=limits, gateway_clock=gateway_clocks.of(account))
        exits.push_async_callback(made.aclose)
        return made

    return transport


def _guard_limits(settings: Settings) -> GuardLimits:
    chosen = settings.transport
    return GuardLimits(
        calls_max=chosen.max_connections,
        wait_within=timedelta(seconds=chosen.connect_seconds),
        failures=chosen.breaker_failures,
        cool_off=timedelta(seconds=chosen.breaker_seconds),
        cool_off_max=timedelta(seconds=chosen.breaker_max_seconds),
    )


def _load_plugins(settings: Settings, more: Mapping[str, object]) -> PluginHost:
    chosen = settings.plugins
    return load_plugins(only=chosen.only, block=chosen.block, plugins=more)


def _accounts(settings: Settings, build: AccountBuilder) -> Accounts:
    return build(settings)


def _client_types(plugins: PluginHost) -> ClientTypes:
    return ClientTypeRegistry(plugins.client_types)


def _interval(settings: Settings) -> timedelta:
    return timedelta(seconds=settings.worker.interval_seconds)


def _stop_within(settings: Settings) -> timedelta:
    return timedelta(seconds=settings.worker.stop_seconds)


def _allowed(guards: Guards) -> Callable[[str, int], int]:
    return guards.allowed


def _check_reach(guards: Guards) -> CheckReach:
    return guards.check


def _batch(settings: Settings) -> int:
    return settings.worker.batch


def _pay_within(settings: Settings) -> timedelta:
    return timedelta(seconds=settings.pay.pay_within_seconds)


def _lease(settings: Settings) -> timedelta:
    return timedelta(seconds=settings.worker.lease_seconds)


def _patience(settings: Settings) -> Patience:
    attention = settings.attention
    return Patience(
        attempts=timedelta(seconds=attention.unknown_seconds),
        refunds=timedelta(seconds=attention.refund_seconds),
        events=timedelta(seconds=attention.untold_seconds),
    )


def _secrets(settings: Settings, plugins: PluginHost) -> tuple[str, ...]:
    """Gather what no log may show: keys of accounts, of pages, the database's password."""
    return tuple(secrets_of(settings, plugins))


def _pay_policy(settings: Settings) -> PayPolicy:
    pay = settings.pay
    return PayPolicy(
        deadlines=DeadlinePolicy(
            grace=timedelta(seconds=pay.grace_seconds),
            cutoff=timedelta(seconds=pay.cutoff_seconds),
            watch=timedelta(seconds=pay.watch_seconds),
        ),
        page_strategy=pay.page_strategy,
        switch_policy=pay.switch_policy,
        strict_over=pay.strict_over,
        asking_for=timedelta(seconds=pay.asking_seconds),
        pages_at=Addresses(settings.public_url).pages,
    )


def _gateway_clocks(
    settings: Settings, clock: Clock, policy: PayPolicy, store: Callable[[], Store]
) -> GatewayClocks:
    time, known = None, settings.accounts
    with suppress(SetupError):  # whoever needs the database is told; clocks do without it
        time = store().time
    return GatewayClocks(
        clock=clock,
        deadlines=policy.deadlines,
        provider_of=lambda name: account.provider if (account := known.get(name)) else name,
        database_time=time,
    )


def _time_budget(settings: Settings) -> NewTimeBudget:
    return partial(AsyncTimeBudget, timedelta(seconds=settings.pay.refresh_seconds))


def _time_to_ask(policy: PayPolicy) -> NewTimeBudget:
    return partial(AsyncTimeBudget, policy.open_within)


class Container(DeclarativeContainer):
    """
    Everything of one deployment, made when first asked for.

    An entrypoint opens it once, asks for what it needs and hands that on;
    nothing below knows of the container. To run with other parts, name them
    when opening: what is given stands in for what would have been made, for
    everybody who needs it::

        async with open_container(Settings(database_url="memory:"), clock=clock) as container:
            place_order = container.place_order()  # the real one, on that clock

    Attributes:
        settings: what the operator chose; the one thing that must be given.
        exits: closes what was opened, in reverse.
        clock: what time it is.
        random_text, random: chance, as text and as a number from 0 to 1.
        new_id: new names for things.
        more_plugins: plugins by name that no package brought; for tests.
        page_key: what stored pages are encrypted with.
        store, unit_of_work: the database, and transactions on it.
        plugins, client_types: what the plugins brought.
        policy: how this deployment treats the second payment.
        gateway_clocks: ours as others' clocks see it.
        transports: makes an account's way to its gateway, by the account's name.
        guards: the same, but keeping each account's trouble to itself; what plugins get.
        accounts: what is configured.
        time_budget: gives a command its time to ask around before it acts.
        time_to_ask: gives one call for a page its time, all its calls together.
        announcer: tells the shop.
        secrets: texts that no log may show.

    """

    settings: Dependency[Settings] = Dependency(instance_of=Settings)
    exits: Singleton[AsyncExitStack] = Singleton(AsyncExitStack)

    clock: Object[Clock] = Object(system_clock)
    random_text: Object[Callable[[int], str]] = Object(_random_text)
    random: Object[Callable[[], float]] = Object(SystemRandom().random)
    new_id: Singleton[NewId] = Singleton(UlidIds, clock)

    page_key: Singleton[bytes] = Singleton(page_key_of, settings)
    store: Singleton[Store] = Singleton(_open_store, settings, page_key, exits)
    afterwards: Singleton[Afterwards] = Singleton(settled_with, exits, store)
    unit_of_work: Singleton[UnitOfWork] = Singleton(_unit_of_work, store)

    more_plugins: Object[Mapping[str, object]] = Object({})
    plugins: Singleton[PluginHost] = Singleton(_load_plugins, settings, more_plugins)
    client_types: Singleton[ClientTypes] = Singleton(_client_types, plugins)
    policy: Singleton[PayPolicy] = Singleton(_pay_policy, settings)
    gateway_clocks: Singleton[GatewayClocks] = Singleton(
        _gateway_clocks, settings, clock, policy, store.provider
    )
    transports: Singleton[Callable[[str], Transport]] = Singleton(
        _transports, settings, clock, gateway_clocks, exits
    )
    guards: Singleton[Guards] = Singleton(
        Guards, transports, limits=Factory(_guard_limits, settings), clock=clock, random=random
    )
    accounts: Singleton[Accounts] = Singleton(
        _accounts,
        settings,
        Factory(
            AccountBuilder,
            plugins=plugins,
            transports=guards,
            clock=clock,
            random_text=random_text,
            epoch_key=page_key,
        ),
    )
    announcer: Singleton[Announcer] = Singleton(InProcessAnnouncer, Object(log_event))
    secrets: Singleton[tuple[str, ...]] = Singleton(_secrets, settings, plugins)

    time_budget: Singleton[NewTimeBudget] = Singleton(_time_budget, settings)
    time_to_ask: Singleton[NewTimeBudget] = Singleton(_time_to_ask, policy)

    place_order = Factory(PlaceOrder, unit_of_work, clock, new_id, Factory(_pay_within, settings))
    pay_order = Factory(
        PayOrder,
        unit_of_work,
        accounts,
        client_types,
        gateway_clocks,
        new_id,
        policy,
        time_budget,
        time_to_ask,
        afterwards,
    )
    take_notice = Factory(TakeNotice, unit_of_work, accounts, clock, new_id)
    lease: Factory[timedelta] = Factory(_lease, settings)
    check_attempt = Factory(CheckAttempt, unit_of_work, accounts, gateway_clocks, new_id)
    close_order = Factory(CloseOrder, unit_of_work, accounts, gateway_clocks, new_id, time_budget)
    expire_orders = Factory(ExpireOrders, unit_of_work, gateway_clocks, new_id)
    refund_payment = Factory(
        RefundPayment, unit_of_work, accounts, gateway_clocks, new_id, time_budget, lease
    )
    check_refund = Factory(CheckRefund, unit_of_work, accounts, gateway_clocks, new_id, lease=lease)
    show_order = Factory(ShowOrder, unit_of_work)
    explain_order = Factory(ExplainOrder, unit_of_work)
    show_refund = Factory(ShowRefund, unit_of_work)
    show_page = Factory(ShowPage, unit_of_work, clock, policy, accounts)
    list_methods = Factory(
        ListMethods,
        unit_of_work,
        accounts,
        client_types,
        gateway_clocks,
        policy,
        Factory(_check_reach, guards),
    )
    announce_events = Factory(AnnounceEvents, unit_of_work, announcer, clock, new_id, lease)
    peek_due_work = Factory(PeekDueWork, unit_of_work, clock)
    find_due_work = Factory(FindDueWork, unit_of_work, clock, lease)
    list_attention_history = Factory(ListAttentionHistory, unit_of_work)
    escalate = Factory(Escalate, unit_of_work, gateway_clocks, new_id, Factory(_patience, settings))
    list_attention = Factory(ListAttention, unit_of_work, clock)
    show_attention = Factory(ShowAttention, unit_of_work, clock)
    resolve_attention = Factory(ResolveAttention, unit_of_work, clock, new_id)
    recheck_attention = Factory(
        RecheckAttention, unit_of_work, clock, check_attempt, check_refund, announce_events
    )

    worker: Factory[Worker] = Factory(
        Worker,
        expire_orders=expire_orders,
        peek_due_work=peek_due_work,
        find_due_work=find_due_work,
        check_attempt=check_attempt,
        check_refund=check_refund,
        announce_events=announce_events,
        escalate=escalate,
        set_aside=Factory(SetAside, unit_of_work, clock, new_id),
        accounts=accounts,
        allowed=Factory(_allowed, guards),
        stop_within=Factory(_stop_within, settings),
        interval=Factory(_interval, settings),
        batch=Factory(_batch, settings),
        random=random,
    )


@asynccontextmanager
async def open_container(
    settings: Settings, *, upgrade: bool = True, **parts: object
) -> AsyncIterator[Container]:
    """
    Open a container, and close all that it opened.

    Args:
        settings: what the operator chose.
        upgrade: bring an embedded database up to date first, so that it needs
            no set-up; any other is left to ``retender db upgrade``.
        parts: by name of the container's attribute, what to use instead.

    Raises:
        SetupError: names the setting and the fix.

    """
    container = Container(settings=settings, **parts)
    async with container.exits():
        store = container.store()
        if upgrade and store.embedded:
            await store.upgrade()
        yield container
