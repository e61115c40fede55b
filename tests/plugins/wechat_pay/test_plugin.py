"""The plugin says truly what it needs, and its tables know all that the gateway says."""

import subprocess
import sys

from retender.domain.model.errors import Refusal
from retender.plugins.hookspecs import ProviderContext
from retender.plugins.wechat_pay import codes
from retender.plugins.wechat_pay.plugin import PLUGIN, register_providers
from retender.simulators.wechat_pay.notices import LADDER
from retender.simulators.wechat_pay.refusals import STATUS
from retender.tests.plugins.wechat_pay.counter import Counter

TABLES = {
    name: getattr(codes, name)
    for name in ("PREPAY", "QUERY", "CLOSE", "REFUND", "REFUND_QUERY", "BILL", "CERTIFICATES")
}


def test_one_provider_comes_through_the_hook(identity):
    [plugin] = register_providers()
    assert plugin.name == plugin.terms.provider == "wechat_pay"
    counter = Counter(identity)
    provider = plugin.build(
        ProviderContext(
            account="wechat",
            settings=counter.settings,
            transport=counter.send,
            clock=counter.now,
            random_text=lambda length: "x" * length,
        )
    )
    assert provider.terms is plugin.terms


def test_every_setting_of_the_simulator_is_declared(identity):
    declared = {setting.name: setting for setting in PLUGIN.settings}
    given = Counter(identity).settings
    assert set(given) <= set(declared)
    assert {name for name, setting in declared.items() if setting.required} <= set(given)
    assert {name for name, setting in declared.items() if setting.secret} == {
        "private_key",
        "api_v3_key",
    }


def test_listing_plugins_loads_no_cryptography():
    script = (
        "import sys, retender.plugins.wechat_pay.plugin as p; p.register_providers();"
        "print([m for m in sys.modules if m.split('.')[0] in {'cryptography', 'starlette'}])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_terms_name_the_ladder_that_the_gateway_climbs():
    assert PLUGIN.terms.notice_retries == LADDER
    assert sum(gap.total_seconds() for gap in LADDER) == 24 * 3600 + 4 * 60


def test_whatever_the_gateway_answers_stands_in_some_table():
    known = {code for table in TABLES.values() for code in table}
    assert set(STATUS) <= known


def test_no_unsigned_answer_to_a_question_is_a_no_for_good():
    """Whoever can only lie about errors must not make us give a charge up."""
    for name in ("QUERY", "CLOSE", "REFUND_QUERY"):
        refusals = {each for each in TABLES[name].values() if isinstance(each, Refusal)}
        assert refusals == {Refusal.NOT_NOW}, name


def test_what_may_have_been_done_is_never_told_as_a_no():
    for name, table in TABLES.items():
        for code in ("SYSTEM_ERROR", "SERVICE_UNAVAILABLE"):
            assert table[code] is codes.Doubt.UNSURE, name
