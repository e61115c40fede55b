"""A stored page can be read by whoever has the key, for the attempt it belongs to."""

import secrets

import pytest
from cryptography.exceptions import InvalidTag

from retender.adapters.sql.seal import PageSeal
from retender.domain.model.errors import SetupError
from retender.domain.model.payer import Payer
from retender.tests.contracts.store.samples import PAGES

KEY = secrets.token_bytes(32)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.kind))
def test_a_sealed_page_opens_equal(page):
    seal = PageSeal(KEY)
    assert seal.open("A1", seal.seal("A1", page)) == page


def test_what_is_stored_shows_nothing_of_the_page():
    sealed = PageSeal(KEY).seal("A1", PAGES[0])
    assert b"pay.example" not in sealed


def test_the_same_page_is_never_sealed_alike():
    seal = PageSeal(KEY)
    assert seal.seal("A1", PAGES[0]) != seal.seal("A1", PAGES[0])


def test_another_key_opens_nothing():
    sealed = PageSeal(KEY).seal("A1", PAGES[0])
    assert PageSeal(secrets.token_bytes(32)).open("A1", sealed) is None


def test_a_page_of_another_attempt_does_not_open():
    """Nobody can hand one payer's page to another by moving it in the database."""
    seal = PageSeal(KEY)
    assert seal.open("A2", seal.seal("A1", PAGES[0])) is None


@pytest.mark.parametrize("spoil", [0, 11, 12, 20, -1])
def test_a_spoilt_byte_opens_nothing(spoil):
    seal = PageSeal(KEY)
    sealed = bytearray(seal.seal("A1", PAGES[0]))
    sealed[spoil] ^= 1
    assert seal.open("A1", bytes(sealed)) is None


@pytest.mark.parametrize("length", [0, 1, 11, 12, 27, 28])
def test_what_is_cut_off_opens_nothing(length):
    seal = PageSeal(KEY)
    assert seal.open("A1", seal.seal("A1", PAGES[0])[:length]) is None


def test_what_is_no_page_opens_nothing():
    """A newer version of ours may have written another kind."""
    seal = PageSeal(KEY, random_bytes=bytes)
    for text in (b"", b"{}", b'{"kind":"hologram"}', b"\xff"):
        assert seal.open("A1", bytes(12) + seal._cipher.encrypt(bytes(12), text, b"A1")) is None


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_another_length_is_refused(length):
    with pytest.raises(SetupError, match="32 bytes") as caught:
        PageSeal(b"k" * length)
    assert "kk" not in str(caught.value)


def test_a_sealed_payer_opens_equal_for_its_attempt_alone():
    seal, ann = PageSeal(KEY), Payer(email="ann@example.com", name="安")
    sealed = seal.seal_payer("A1", ann)
    assert sealed is not None
    assert b"ann" not in sealed
    assert seal.open_payer("A1", sealed) == ann
    assert seal.open_payer("A2", sealed) == Payer()
    assert PageSeal(secrets.token_bytes(32)).open_payer("A1", sealed) == Payer()
    assert seal.open("A1", sealed) is None, "it is no page either"
    with pytest.raises(InvalidTag):
        seal._open("A1", sealed)
    assert seal.open_payer("A1", seal.seal("A1", PAGES[0])) == Payer()


def test_of_whom_nothing_is_known_nothing_is_sealed():
    assert PageSeal(KEY).seal_payer("A1", Payer()) is None
    assert PageSeal(KEY).open_payer("A1", None) == Payer()
