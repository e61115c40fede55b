"""A failing seed for people: what is wrong, and what had happened."""

from retender.tests.simulation.seed import Outcome


def report(outcome: Outcome) -> str:
    """Say the seed, its problems, and the timeline of what they are about."""
    plan = outcome.plan
    orders = [order.order_no for order in plan.orders]
    guilty = [no for no in orders if any(p.startswith(f"{no}:") for p in outcome.problems)]
    return "\n".join(
        (
            f"seed {plan.seed}, {len(orders)} orders, policy {plan.policy}",
            *(f"  PROBLEM {problem}" for problem in outcome.problems),
            *_profile(outcome),
            "",
            *(line for line in outcome.lines if not guilty or _is_about(line, guilty)),
            "",
            f"play it again: retender drill --seed {plan.seed}",
        )
    )


def _profile(outcome: Outcome) -> list[str]:
    """Say what could go wrong in this seed at all."""
    plan = outcome.plan
    rates = {**plan.call_rates, **{f"notice {k}": v for k, v in plan.notice_rates.items()}}
    faults = ", ".join(f"{name} {rate:.0%}" for name, rate in rates.items() if rate)
    return [
        f"  faults: {faults or 'none'}; shop {plan.shop_rate:.0%}",
        *([f"  the shop takes one of {plan.shop_takes} s"] if any(plan.shop_takes) else []),
        *(
            f"  outage: {o.account} {o.only or 'all'} {o.how}, {o.begins:.0f} to {o.ends:.0f}"
            for o in plan.outages
        ),
        *(f"  crash: {c.process} at {c.at:.0f} for {c.down:.0f}" for c in plan.crashes),
        *(f"  stop: {p.process} at {p.at:.0f} for {p.lasts:.0f}" for p in plan.pauses),
        *(f"  database: {t.kind} at {t.at:.0f} for {t.lasts:.0f}" for t in plan.store_troubles),
        *(f"  new key: {r.account}'s {r.whose}, at {r.at:.0f}" for r in plan.rotations),
        *([f"  lies of a stranger: {len(plan.lies)}"] if plan.lies else []),
        *(f"  clock of {name}: {skew:+.0f} s" for name, skew in plan.skews.items() if skew),
    ]


def _is_about(line: str, order_nos: list[str]) -> bool:
    """Tell whether a line is about one of these orders, or about everybody."""
    about = f"{line} ".replace(":", " ")
    others = "order S" in line or " of S" in line or "NOTICE" in line
    return any(f"{no} " in about for no in order_nos) or not others
