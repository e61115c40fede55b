"""A shop gives money back from a terminal."""


def test_all_of_it_goes_back(shop):
    shop.paid("R-1")
    refund = shop.json("refund", "send", "R-1", "--no", "RR-1")
    assert (refund["state"], refund["amount"]["amount"]) == ("DONE", "88.80")
    assert "taken, 88.80 CNY given back, 0.00 CNY kept" in shop("order", "show", "R-1").stdout


def test_a_part_of_it_goes_back_and_the_same_number_gives_it_back_once(shop):
    shop.paid("R-2")
    words = ["refund", "send", "R-2", "--no", "RR-2", "--amount", "10.00", "--reason", "One broke"]
    assert shop.json(*words) == shop.json(*words)
    assert len(shop.json("order", "show", "R-2")["refunds"]) == 1
    shown = shop("refund", "show", "RR-2")
    assert "Refund RR-2  DONE" in shown.stdout
    assert "One broke" in shown.stdout


def test_more_than_was_paid_is_refused_with_what_is_left(shop):
    shop.paid("R-3")
    done = shop("refund", "send", "R-3", "--no", "RR-3", "--amount", "100")
    assert (done.exit_code, done.stderr.partition(":")[0]) == (1, "REFUND_EXCEEDS_PAID")
    assert "88.80 CNY is left" in done.stderr


def test_a_refund_that_takes_its_time_is_not_known_yet(shop):
    """90.08: the sandbox takes a minute."""
    shop.paid("R-4", "90.08")
    refund = shop.json("refund", "send", "R-4", "--no", "RR-4", code=3)
    assert refund["state"] == "SENT"
    assert shop.json("refund", "check", "RR-4", code=3)["state"] == "SENT"
    shown = shop("refund", "show", "RR-4")
    assert shown.exit_code == 0
    assert "the worker looks again at" in shown.stdout


def test_a_refund_that_the_provider_refuses_needs_a_human(shop):
    """90.06: the sandbox fails it."""
    shop.paid("R-5", "90.06")
    refund = shop.json("refund", "send", "R-5", "--no", "RR-5", code=1)
    assert refund["state"] == "STUCK"
    assert "the provider said" in shop("refund", "show", "RR-5").stdout


def test_an_unpaid_order_has_nothing_to_give_back(shop):
    shop.place("R-6")
    done = shop("refund", "send", "R-6", "--no", "RR-6")
    assert (done.exit_code, done.stderr.partition(":")[0]) == (1, "PAY_ORDER_STATE_ERROR")
