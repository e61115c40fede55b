"""A lost answer to a call that makes nothing means that nothing was sent."""

import pytest

from retender.domain.model.errors import (
    ProviderRefused,
    ProviderUnavailable,
    ProviderUncertain,
    Refusal,
)
from retender.plugins.nothing_sent import nothing_sent


def test_unknown_becomes_unavailable_with_its_reason():
    lost = ProviderUncertain("read time-out", status=504)
    with pytest.raises(ProviderUnavailable, match="read time-out") as told, nothing_sent():
        raise lost
    assert told.value.__cause__ is lost
    assert told.value.details == {"status": 504}


@pytest.mark.parametrize(
    "error",
    [
        ProviderRefused(Refusal.REJECTED, provider_code="NO"),
        ProviderUnavailable("not reached"),
        ZeroDivisionError("a bug"),
    ],
)
def test_what_is_known_stays_as_it_is(error):
    with pytest.raises(type(error)) as told, nothing_sent():
        raise error
    assert told.value is error
