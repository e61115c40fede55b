"""The route for Prometheus: what is under way and what waits for a human, from the database."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from retender.domain.model.attention import AttentionCode
from retender.domain.model.backlog import OPEN_ATTEMPTS, OPEN_ORDERS, OPEN_REFUNDS
from retender.domain.use_cases.list_attention import Attention
from retender.entrypoints import addresses
from retender.entrypoints.http.dependencies import Injected
from retender.entrypoints.http.openapi import problem_responses

router = APIRouter(tags=["health"])

NameT = TypeVar("NameT", bound=StrEnum)

_EXAMPLE = """\
# HELP retender_attention_open AttentionItems that wait for a human.
# TYPE retender_attention_open gauge
retender_attention_open{code="UNKNOWN_TOO_LONG"} 1.0
"""


class _BacklogSize(Collector):
    """
    The figures of one instant, under the names that dashboards know.

    Every known code and state is there, also with nothing in it: an alarm must be
    able to tell zero from silence. What is final is not counted, since counting
    it would cost more with every order. A clock that was never seen is not shown.
    """

    def __init__(
        self,
        attention: Attention,
        clock_offsets: Mapping[str, timedelta],
        left_alone: Mapping[str, bool],
    ) -> None:
        self._attention = attention
        self._clock_offsets = clock_offsets
        self._left_alone = left_alone

    def collect(self) -> Iterator[Metric]:
        """Yield each gauge."""
        size, at = self._attention.size, self._attention.at
        counts = {code: waiting.count for code, waiting in size.waiting.items()}
        oldest = min((waiting.since for waiting in size.waiting.values()), default=at)
        overdue = at - (size.due_since or at)
        yield _by(
            "code", "attention_open", "AttentionItems that wait for a human.", AttentionCode, counts
        )
        yield _one(
            "attention_oldest_seconds",
            "How long the oldest attention item has been waiting; 0 without any.",
            (at - oldest).total_seconds(),
        )
        yield _by("state", "orders", "Orders that are not final.", OPEN_ORDERS, size.orders)
        yield _by("state", "attempts", "Attempts that are not final.", OPEN_ATTEMPTS, size.attempts)
        yield _by("state", "refunds", "Refunds that are not done.", OPEN_REFUNDS, size.refunds)
        yield _one("events_untold", "Events that the shop has not heard of.", size.untold)
        yield _one(
            "work_overdue_seconds",
            "How long the longest waiting look or refund is overdue; grows if no worker runs.",
            overdue.total_seconds(),
        )
        yield from self._gateways()

    def _gateways(self) -> Iterator[Metric]:
        """Yield what this server's own calls have found."""
        broken = GaugeMetricFamily(
            "retender_gateway_circuit_open",
            "1 while this server leaves the gateway alone, or only probes it, since it did not "
            "answer; the worker has a circuit of its own.",
            labels=["account"],
        )
        for account, alone in self._left_alone.items():
            broken.add_metric([account], float(alone))
        yield broken
        offsets = GaugeMetricFamily(
            "retender_gateway_clock_offset_seconds",
            "The gateway's clock minus that of this server, by the last answer that this server "
            "got; over half of pay.watch_seconds is an alarm.",
            labels=["account"],
        )
        for account, offset in self._clock_offsets.items():
            offsets.add_metric([account], offset.total_seconds())
        yield offsets


@router.get(
    addresses.METRICS,
    summary="Tell Prometheus what is under way and what waits for a human",
    response_class=Response,
    responses={
        200: {
            "description": "Gauges, in Prometheus's text format.",
            "content": {"text/plain": {"example": _EXAMPLE}},
        },
        **problem_responses(body=False),
    },
)
async def metrics(dependencies: Injected) -> Response:
    """
    Count in the database, so that any server tells the same; no secrets, no order numbers.

    Only what is told of gateways is this server's own: how its calls fared.
    """
    registry = CollectorRegistry()
    registry.register(
        _BacklogSize(
            await dependencies.list_attention(limit=0),
            dependencies.gateway_clocks.offsets(),
            dependencies.guards.left_alone(),
        )
    )
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)


def _one(name: str, help_text: str, value: float) -> Metric:
    # Clocks differ a little between machines: what began in our future began now.
    return GaugeMetricFamily(f"retender_{name}", help_text, value=max(0, value))


def _by(
    label: str, name: str, help_text: str, known: Iterable[NameT], counts: Mapping[NameT, int]
) -> Metric:
    gauge = GaugeMetricFamily(f"retender_{name}", help_text, labels=[label])
    for each in known:
        gauge.add_metric([each], counts.get(each, 0))
    return gauge
