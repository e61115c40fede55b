"""A wrong APIv3 key shows before the first notice: by the platform's certificates."""

import pytest

from retender.domain.model.errors import ProviderError
from retender.plugins.wechat_pay.plugin import PLUGIN
from retender.ports.secret_proof import ProvesSecrets, SecretState
from retender.simulators.wechat_pay.switches import WechatPaySwitches
from retender.tests.plugins.wechat_pay.counter import Counter

pytestmark = pytest.mark.asyncio

WRONG = "0123456789abcdef0123456789abcdef"


@pytest.fixture(params=["certificate", "migration"])
def counter(identity, request):
    """Merchants who have platform certificates."""
    return Counter(identity, WechatPaySwitches(trust=request.param))


async def proven(provider):
    assert isinstance(provider, ProvesSecrets)
    return {proof.setting: proof for proof in await provider.prove_secrets()}


async def test_the_right_key_opens_the_certificates(counter):
    found = await proven(counter.provider)
    assert found["api_v3_key"].state is SecretState.RIGHT
    assert [request.operation for request in counter.requests] == ["certificates"]


async def test_a_wrong_key_is_told_without_any_part_of_it(counter):
    found = await proven(counter.built(api_v3_key=WRONG))
    assert found["api_v3_key"].state is SecretState.WRONG
    assert WRONG[:8] not in repr(found)


async def test_of_a_merchant_without_certificates_nothing_is_proven(identity):
    """Of the public-key age: with this key only notices are sealed."""
    for key in (identity.api_v3_key, WRONG):
        found = await proven(Counter(identity).built(api_v3_key=key))
        assert found["api_v3_key"].state is SecretState.NOT_PROVEN
        assert "notice" in found["api_v3_key"].why


async def test_what_opens_and_is_signed_by_a_stranger_proves_the_key_all_the_same(counter):
    """Who sealed it knew our key; whether its certificates are believed is another question."""
    counter.simulator.switches.answer_signature = "stranger_key"
    found = await proven(counter.provider)
    assert found["api_v3_key"].state is SecretState.RIGHT


async def test_without_an_answer_it_raises_as_every_call(counter):
    counter.simulator.faults.set("http_5xx", "certificates")
    with pytest.raises(ProviderError):
        await proven(counter.provider)


async def test_which_secrets_any_believed_answer_proves_is_declared():
    declared = {each.name: each.proven_by_answer for each in PLUGIN.settings if each.secret}
    assert declared == {"private_key": True, "api_v3_key": False}
