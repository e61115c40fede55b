"""An operator looks at what is installed, offered and out of place."""

import asyncio
from datetime import UTC, datetime

from retender.domain.model.attention import AttentionCode, AttentionItem
from retender.entrypoints.container import open_container
from retender.entrypoints.settings_file import load_settings


def test_plugins_are_listed_with_what_they_bring(shop):
    done = shop("plugins")
    assert done.exit_code == 0
    for words in ("provider alipay", "provider wechat_pay", "provider sandbox", "client type pc"):
        assert words in done.stdout
    listed = {plugin["name"]: plugin for plugin in shop.json("plugins")}
    assert {plugin["state"] for plugin in listed.values()} == {"loaded"}
    (alipay,) = listed["alipay"]["providers"]
    assert {page["kind"] for page in alipay["terms"]["pages"]} == {
        *("form", "redirect", "qr", "app_string"),
    }
    secret = {setting["name"] for setting in alipay["settings"] if setting["secret"]}
    assert "private_key" in secret
    assert alipay["simulator"] is True


def test_a_blocked_plugin_is_listed_with_the_reason(shop, tmp_path):
    file = tmp_path / "blocked.toml"
    file.write_text('[plugins]\nblock = ["alipay"]\n')
    listed = {plugin["name"]: plugin for plugin in shop.json("--config", str(file), "plugins")}
    assert listed["alipay"]["state"] == "blocked"
    assert "plugins.block" in listed["alipay"]["why"]
    assert listed["alipay"]["providers"] == []


def test_a_provider_is_described_with_pages_terms_and_settings(shop):
    done = shop("providers", "describe", "wechat_pay")
    assert done.exit_code == 0
    for words in ("native", "2 h 00 min", "authoritative", "client_ip", "mch_id", "needed secret"):
        assert words in done.stdout
    terms = shop.json("providers", "describe", "wechat_pay")
    h5 = next(page for page in terms["pages"] if page["product"] == "h5")
    assert (h5["validity_seconds"], h5["needs"], h5["devices"]) == (300, ["client_ip"], ["phone"])


def test_every_provider_can_be_described(shop):
    for plugin in shop.json("plugins"):
        for provider in plugin["providers"]:
            assert shop("providers", "describe", provider["name"]).exit_code == 0


def test_an_unknown_provider_is_guessed_at(shop):
    done = shop("providers", "describe", "wechatpay")
    assert (done.exit_code, done.stderr.partition(":")[0]) == (1, "PROVIDER_UNKNOWN")
    assert "Did you mean 'wechat_pay'?" in done.stderr


def test_a_cashier_sees_what_it_can_offer_and_why_not_the_rest(shop):
    shop.place("M-1")
    (method,) = shop.json("methods", "M-1", "--user", "user-7")["methods"]
    assert (method["account"], method["available"]) == ("sandbox", True)
    shop.place("M-2", "1.00", "--currency", "GBP")
    done = shop("methods", "M-2", "--user", "user-7", "--client", "h5")
    assert done.exit_code == 0
    assert "NOT_OFFERED" in done.stdout


def test_nothing_out_of_place_is_good_news(shop, tmp_path):
    file = tmp_path / "new.toml"
    file.write_text(f'database_url = "sqlite:///{tmp_path / "new.db"}"\n')
    done = shop("--config", str(file), "attention", "history")
    assert (done.exit_code, done.stdout) == (0, "No attention items.\n")


def test_evidence_that_fits_nothing_waits_for_a_human(shop):
    item = AttentionItem(
        attention_id="i-1",
        code=AttentionCode.AMOUNT_MISMATCH,
        account="sandbox",
        number="01K4YQ7Z0WXA8H2J5N6P7R3S4T",
        at=datetime(2026, 7, 1, 8, tzinfo=UTC),
        source="notice",
        data={"amount": "1.00 CNY", "foreign": ""},
    )

    async def keep() -> None:
        async with (
            open_container(load_settings(shop.file)) as container,
            container.unit_of_work()() as work,
        ):
            await work.attention.add(item)
            await work.commit()

    asyncio.run(keep())
    done = shop("attention", "history", "--limit", "1000")
    assert done.exit_code == 0
    assert "EVIDENCE_AMOUNT_MISMATCH" in done.stdout
    assert "2026-07-01 08:00:00 UTC" in done.stdout
    assert "it waits" in done.stdout
    found = shop.json("attention", "history", "--limit", "1000")
    assert next(one for one in found if one["attention_id"] == "i-1") == {
        "attention_id": "i-1",
        "code": "EVIDENCE_AMOUNT_MISMATCH",
        "account": "sandbox",
        "number": "01K4YQ7Z0WXA8H2J5N6P7R3S4T",
        "at": "2026-07-01T08:00:00Z",
        "source": "notice",
        "data": {"amount": "1.00 CNY", "foreign": ""},
        "about": None,
        "subject": None,
        "order_no": None,
        "ending": None,
    }
