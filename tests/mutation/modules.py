"""Which modules are spoilt: where money is decided every way counts, elsewhere a sample."""

import random
from collections.abc import Iterator
from typing import TypeVar

from retender.tests.mutation.reach import ROOMS, ROOT

Item = TypeVar("Item")

MONEY = (
    # Amounts, deadlines, leases and what may become of an attempt.
    "domain/model/money.py",
    "domain/model/deadline.py",
    "domain/model/lease.py",
    "domain/model/refund.py",
    "domain/model/surplus.py",
    "domain/model/further_capture.py",
    # Settling and election: what a capture becomes.
    "domain/steps/captured.py",
    "domain/steps/confirm_capture.py",
    "domain/steps/further_capture.py",
    "domain/use_cases/close_order.py",
    "domain/use_cases/expire_orders.py",
    # Refunds.
    "domain/use_cases/refund_payment.py",
    "domain/steps/ask_refund.py",
    "domain/use_cases/check_refund.py",
    "domain/steps/settle_refund.py",
    "domain/steps/external_refund.py",
    "domain/steps/refund_spacing.py",
    # Both stores' writes.
    "adapters/memory/orders.py",
    "adapters/memory/attempts.py",
    "adapters/memory/refunds.py",
    "adapters/sql/orders.py",
    "adapters/sql/attempts.py",
    "adapters/sql/refunds.py",
    "adapters/sql/leases.py",
    "adapters/sql/due.py",
    # The two plugins' signing and tables.
    "plugins/alipay/signing.py",
    "plugins/alipay/codes.py",
    "plugins/wechat_pay/signing.py",
    "plugins/wechat_pay/codes.py",
)

# Pictures and the demo are looked at, and a migration is played on every database.
_NOT_SAMPLED = ("entrypoints/cli/demo/", "adapters/sql/migrations/")


def elsewhere() -> Iterator[str]:
    """Yield every other module of the product, in order."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            if name not in MONEY and not name.startswith(_NOT_SAMPLED):
                yield name


def shuffled(items: list[Item], seed: int) -> list[Item]:
    """Return them in an order that a seed decides."""
    return random.Random(seed).sample(items, len(items))  # noqa: S311 - a sample, and no secret
