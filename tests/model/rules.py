"""Rules: one configuration of the model, what may happen in it, and how far it goes."""

from dataclasses import dataclass

from retender.domain.model.attention import Resolution
from retender.domain.model.order import LatePayment
from retender.domain.model.switch_policy import SwitchPolicy
from retender.tests.model.providers import EAGER, LAZY, Faults

NEVER: frozenset[str] = frozenset()
EVERY_CALL = frozenset({"open", "query", "close", "refund", "query_refund"})


@dataclass(frozen=True, kw_only=True)
class Rules:
    """
    One configuration: what is explored, and how far.

    Attributes:
        policy: the deployment's switch policy.
        asks_again: a returning payer gets a page from the provider, not the stored one.
        strict_over: above it, ``adaptive`` is strict where it can be.
        attempts: a press that would make one more goes unanswered.
        hands: how many handlers are in the middle of something at one time.
        deaths: which handlers may die at every step; a crash is all of them dying at once.
        losses: which calls get lost, before or after their effect, or act later.
        unavailable: which calls are surely not sent, and say so.
        refusals: which calls are refused for good, whatever they ask.
        late: how many requests may still be on their way after their sender gave up.
        cancels: with which words on late payments the shop may give the order up.
        presses: how many requests of the payer may be under way for one account.
        accounts: the providers.
        janitor: workers look at attempts.
        late_clocks: providers' clocks may be late by more than the watch.
        forgets: the hosted provider says "not found" of what is there, now and then.
        lies: a trade that its provider called closed may be paid all the same.
        hears_all: no notice is lost: a provider tells until we said "received".
        inbox: notices are known by their key, as in production; else every one is news.
        slow_refunds: a refund may be accepted first, and done or fail later.
        twice: the hosted provider may take a payment twice; it tells of both for sure.
        names_trade: a refund there says which of them goes back.
        console: somebody gives money back at the hosted provider's console, and its notice
            comes for sure; that provider gives no more back than it took.
        reverses: a refund at the hosted provider may fail after it was done; so it tells.
        tires: providers may fail to answer until the tries of a refund run out.
        operator: somebody has stuck refunds finished by hand, and has us ask after them.
        decides: what humans may say of what waits for them, at any time.
        liars: they say also what is not so.
        misfits: providers speak of other amounts, so that humans are called early.
        shop_refunds: numbers under which the shop asks for the paid money back.
        announces: the shop is told of events, by any worker, any number of times.
        naps: how often leases run out while their workers sleep, wake up and go on; if
            there are naps, workers claim what they do, and two of them are at it.

    """

    name: str
    policy: SwitchPolicy = SwitchPolicy.BEST_EFFORT
    asks_again: bool = False
    strict_over: int = 10**9
    attempts: int = 2
    hands: int = 2
    deaths: frozenset[str] = frozenset({"pay", "cancel", "check", "refund", "expire", "notice"})
    losses: frozenset[str] = EVERY_CALL
    unavailable: frozenset[str] = NEVER
    refusals: frozenset[str] = NEVER
    late: int = 1
    cancels: tuple[LatePayment, ...] = ()
    presses: int = 2
    accounts: tuple[str, ...] = (EAGER, LAZY)
    janitor: bool = True
    late_clocks: bool = False
    forgets: bool = False
    lies: bool = False
    hears_all: bool = False
    inbox: bool = False
    slow_refunds: bool = False
    twice: bool = False
    names_trade: bool = False
    console: bool = False
    reverses: bool = False
    tires: bool = False
    operator: bool = False
    decides: frozenset[Resolution] = frozenset()
    liars: bool = False
    misfits: bool = False
    shop_refunds: tuple[str, ...] = ()
    announces: bool = False
    naps: int = 0

    @property
    def always_strict(self) -> bool:
        """Whether no second payable page may ever be handed out."""
        return self.policy is SwitchPolicy.STRICT

    @property
    def has_leases(self) -> bool:
        """Whether it matters who holds what, and until when."""
        return self.announces or self.naps > 0

    @property
    def faults(self) -> Faults:
        """What may become of a call."""
        return Faults(
            self.losses,
            self.unavailable,
            self.refusals,
            slow_refunds=self.slow_refunds,
            forgets=self.forgets,
        )
