"""What the doctor checks of each account: its keys, its gateway, its secrets, its clock."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from retender.domain.model.attempt import Charge
from retender.domain.model.deadline import ClockStanding
from retender.domain.model.errors import (
    NoticeRejected,
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
    ProviderUncertain,
    RetenderError,
    SetupError,
)
from retender.domain.model.money import Money
from retender.entrypoints.accounts import AccountBuilder
from retender.entrypoints.cli.check_result import Check, CheckResult, run_check
from retender.entrypoints.container import Container
from retender.ports.accounts import Account
from retender.ports.payment_provider import RawNotice
from retender.ports.secret_proof import ProvesSecrets, SecretProof, SecretState
from retender.ports.transport import Request, Response, Transport

_PAYABLE_FOR = timedelta(minutes=10)


class Probe:
    """A way to nowhere: takes note that a request was signed and ready, and sends nothing."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self.asked = 0

    async def __call__(self, request: Request) -> Response:
        """Refuse to send."""
        self.asked += 1
        raise ProviderUnavailable(f"Nothing was sent: {request.operation} was only looked at.")


class Counted:
    """
    A transport that counts what goes through it.

    Attributes:
        sent: requests that were handed on.
        answered: those that were answered.

    """

    def __init__(self, inner: Transport) -> None:
        """Count for this one."""
        self.sent = self.answered = 0
        self._inner = inner

    async def __call__(self, request: Request) -> Response:
        """Hand it on."""
        self.sent += 1
        response = await self._inner(request)
        self.answered += 1
        return response


@dataclass(slots=True)
class AccountChecks:
    """
    Checks one account after the other.

    What breaks one check ends neither the others at this account nor those at another.

    Attributes:
        container: everything of the deployment.
        online: whether gateways are asked.
        ways: each account's real way to its gateway, once it was asked for.

    """

    container: Container
    online: bool
    ways: dict[str, Counted] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Count beneath the guards, so that what they hold back is not taken for sent."""
        real: Callable[[str], Transport] = self.container.transports()

        def counted(name: str) -> Transport:
            self.ways[name] = Counted(real(name))
            return self.ways[name]

        self.container.transports.override(counted)

    async def __call__(self, name: str) -> AsyncIterator[CheckResult]:
        """Check all of this account."""
        about, provider = f"account {name}", self.container.settings().accounts[name].provider
        try:
            self._built(name, Probe())
        except SetupError as error:
            yield CheckResult(about, "wrong", error.message)
            return  # there is nothing to ask
        checks: list[tuple[str, Check]] = [(about, lambda: self._keys(name))]
        if self.online:
            checks.append((f"gateway of {name}", lambda: self._online(name)))
        else:
            checks.append((f"secrets of {name}", lambda: self._unasked(name)))
        whose = self._plugin_of(name, provider)
        fix = "That is for the plugin's authors: nobody can pay or be refunded by this account."
        for about, check in checks:
            for result in await run_check(about, check, whose=whose, fix=fix):
                yield result

    def _plugin_of(self, name: str, provider: str) -> str:
        return f"Plugin {self.container.plugins().bringer(provider)} of account {name!r}"

    def _built(self, name: str, way: Transport) -> Account:
        """Build one account alone, so that another's trouble does not hide it."""
        container, settings = self.container, self.container.settings()
        build = AccountBuilder(
            plugins=container.plugins(),
            transports=lambda _: way,
            clock=container.clock(),
            random_text=container.random_text(),
            epoch_key=container.page_key(),
        )
        alone = settings.model_copy(update={"accounts": {name: settings.accounts[name]}})
        return build(alone).get(name)

    # --- without its gateway ---------------------------------------------------------

    async def _keys(self, name: str) -> AsyncIterator[CheckResult]:
        """Sign a question without sending it, and turn a forged notice away."""
        about, probe = f"account {name}", Probe()
        account = self._built(name, probe)
        told = "a request is signed"
        try:
            if account.provider.terms.asked_by_number:
                await account.provider.query(self._charge(account))
                told = "nothing needs to be signed" if not probe.asked else told
            else:
                told = "not shown that requests are signed (it is asked by ids of its own)"
        except SetupError:
            raise
        except RetenderError as error:
            # If the probe was asked, its own refusal is what we wanted to see.
            if not probe.asked:
                fix = "Check its private key."
                yield CheckResult(about, "wrong", f"cannot sign: {error.message}", fix)
                return
        forged = RawNotice(headers={}, body=b"{}", received_at=self.container.clock()())
        try:
            await account.provider.parse_notice(forged)
        except (NoticeRejected, ProviderError):
            yield CheckResult(about, "well", f"keys load, {told}, a forged notice refused")
            return
        fix = "Do not use this plugin: it believes anybody."
        yield CheckResult(about, "wrong", "it believed a notice that nobody signed", fix)

    async def _unasked(self, name: str) -> AsyncIterator[CheckResult]:
        """Say that a secret which loads need not be the right one."""
        if secrets := self._secrets(name):
            told = f"not proven: {', '.join(secrets)}; only the gateway can tell"
            yield CheckResult(
                f"secrets of {name}", "note", told, "Ask it: retender doctor --online"
            )

    def _secrets(self, name: str) -> dict[str, bool]:
        """Return the secrets that the account is given, and whether a believed answer proves."""
        chosen = self.container.settings().accounts[name]
        plugin = self.container.plugins().provider(chosen.provider, account=name)
        given = [each for each in plugin.settings if each.secret and each.name in chosen.own]
        return {each.name: each.proven_by_answer for each in given}

    # --- with its gateway ------------------------------------------------------------

    async def _online(self, name: str) -> AsyncIterator[CheckResult]:
        account = self._built(name, self.container.guards()(name))
        about, provider = f"gateway of {name}", self.container.settings().accounts[name].provider
        fix = "That is for the plugin's authors."
        whose = self._plugin_of(name, provider)
        asked = await run_check(about, lambda: self._asked(account), whose=whose, fix=fix)
        for result in asked:
            yield result
        believed = all(each.state == "well" for each in asked)
        checks: tuple[tuple[str, Check], ...] = (
            (f"secrets of {name}", lambda: self._proven(account, believed=believed)),
            (f"clock of account {name}", lambda: self._clock(name)),
        )
        for about, check in checks:
            for result in await run_check(about, check, whose=whose, fix=fix):
                yield result

    async def _asked(self, account: Account) -> AsyncIterator[CheckResult]:
        """Ask after a number that the gateway cannot know, if numbers are what it is asked by."""
        about, way = f"gateway of {account.name}", self.ways[account.name]
        if not account.provider.terms.asked_by_number:
            told = "not asked: it goes by ids of its own, and of no payment is one at hand"
            unproven = "not proven: its address, our keys, and that its answers are believed"
            yield CheckResult(about, "note", f"{told}; {unproven}", "Pay a small order there.")
            return
        try:
            receipt = await account.provider.query(self._charge(account))
        except SetupError:
            raise
        except RetenderError as error:
            yield CheckResult(
                about,
                "wrong",
                f"{_counted(way)}: {error.message}",
                self._mend(error, way, account.name),
            )
            return
        if not way.sent:
            told = (
                f"nothing was sent: the plugin itself said '{receipt.state}', so nothing is proven"
            )
            yield CheckResult(about, "note", told)
            return
        yield CheckResult(about, "well", f"{_counted(way)}, and was believed: {receipt.state}")

    def _mend(self, error: RetenderError, way: Counted, name: str) -> str:
        """Say what to look at, and first at what is ours: a gateway answers what we sent."""
        secrets = self._secrets(name)
        ours = [each for each, signs in secrets.items() if signs] or list(secrets) or ["keys"]
        own, code = f"our own {' and '.join(ours)}", error.details.get("provider_code")
        if isinstance(error, ProviderRefused) or (
            way.answered and not isinstance(error, ProviderUncertain)
        ):
            return f"Compare ids and keys with the provider's console, {own} first."
        if way.answered and code:
            first = f"Check {own} and the ids first: it says {code} of what we sent."
            return f"{first} Then check the provider's public key or certificate."
        if way.answered:
            return "Check the provider's public key or certificate: its answer was not believed."
        if way.sent:
            return "Check the network, and the gateway's address."
        return "Check the account's settings: there was nothing that could be sent."

    async def _proven(self, account: Account, *, believed: bool) -> AsyncIterator[CheckResult]:
        """Tell of each secret whether anything shows that it is right."""
        name, secrets = account.name, self._secrets(account.name)
        proofs = {
            setting: SecretProof(setting, SecretState.RIGHT, "its gateway's answer was believed")
            for setting, by_answer in secrets.items()
            if by_answer and believed
        }
        unasked = "nothing that its gateway answered shows whether it is right"
        try:
            if isinstance(account.provider, ProvesSecrets):
                proofs |= {each.setting: each for each in await account.provider.prove_secrets()}
        except ProviderError as error:
            unasked = f"its gateway gave no answer that shows it: {error.message}"
        right = []
        for setting in secrets:
            proof = proofs.get(setting, SecretProof(setting, SecretState.NOT_PROVEN, unasked))
            about = f"{setting} of {name}"
            if proof.state is SecretState.RIGHT:
                right.append(setting)
            elif proof.state is SecretState.WRONG:
                fix = f"Compare {setting} with the provider's console."
                yield CheckResult(about, "wrong", f"wrong: {proof.why}", fix)
            else:
                yield CheckResult(about, "note", f"not proven: {proof.why}")
        if right:
            yield CheckResult(f"secrets of {name}", "well", f"proven right: {', '.join(right)}")

    async def _clock(self, name: str) -> AsyncIterator[CheckResult]:
        """Compare clocks: a deadline means the same to both only as far as they agree."""
        container = self.container
        about, clock = f"clock of account {name}", container.gateway_clocks().of(name)
        if clock.offset is None or clock.last is None:
            yield CheckResult(about, "note", "the gateway did not say what time it is")
            return
        told = f"the gateway's clock is {clock.offset.total_seconds():+.1f} s from ours"
        allowed = f"pay.watch_seconds, which is {container.settings().pay.watch_seconds}"
        fix = "Synchronise this machine's clock (NTP), or raise pay.watch_seconds."
        match container.policy().deadlines.standing(clock.last.sure):
            case ClockStanding.NEAR:
                yield CheckResult(about, "well", told)
            case ClockStanding.FAR:
                yield CheckResult(about, "note", f"{told}: over half of {allowed}", fix)
            case ClockStanding.TOO_FAR:
                told = f"{told}, more than {allowed}: nobody can begin to pay there"
                yield CheckResult(about, "wrong", told, fix)

    def _charge(self, account: Account) -> Charge:
        """Return a charge that nobody made, to ask after."""
        now = self.container.clock()().replace(microsecond=0)
        terms = account.provider.terms
        page, currency = terms.pages[0], min(terms.currencies)
        return Charge(
            number=self.container.new_id()(),
            order_no="doctor",
            amount=Money(terms.bounds(currency).smallest, currency),
            subject="Asked by the doctor",
            client_type="doctor",
            device=min(page.devices),
            page_kind=page.kind,
            created_at=now,
            expires_at=now + _PAYABLE_FOR,
            notify_url=account.notify_url,
        )


def _counted(way: Counted) -> str:
    """Say what was sent and what came back."""
    if not way.sent:
        return "nothing was sent"
    requests = "request" if way.sent == 1 else "requests"
    if not way.answered:
        return f"{way.sent} {requests} sent, no answer"
    return f"answered {way.answered} of {way.sent} {requests}"
