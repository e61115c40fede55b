"""``nothing_sent``: a lost answer to a call that makes nothing is no unknown outcome."""

from collections.abc import Iterator
from contextlib import contextmanager

from retender.domain.model.errors import ProviderUnavailable, ProviderUncertain


@contextmanager
def nothing_sent() -> Iterator[None]:
    """
    Wrap calls that come before the one that counts: a token, a session, a key.

    ::

        with nothing_sent():
            token = await self.client.ask("token", ...)
        answer = await self.client.ask("open", ..., token)

    If such an answer is lost, the charge was never sent. So it is ``ProviderUnavailable``,
    and the payer may press again at once. As ``ProviderUncertain`` it would leave a number
    behind that has to be watched and found out.

    Raises:
        ProviderUnavailable: in place of ``ProviderUncertain``; other errors stay as they are.

    """
    try:
        yield
    except ProviderUncertain as lost:
        message = f"A call before the real one got no answer, so nothing was sent: {lost.message}"
        raise ProviderUnavailable(message, **lost.details) from lost
