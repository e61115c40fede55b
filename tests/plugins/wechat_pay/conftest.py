"""What the WeChat Pay tests start from: throw-away keys, worked examples, one set of numbers."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPrivateNumbers,
    RSAPublicNumbers,
    rsa_crt_dmp1,
    rsa_crt_dmq1,
    rsa_crt_iqmp,
)

from retender.simulators.wechat_pay.identity import new_identity

VECTORS = Path(__file__).parent / "vectors.json"


@pytest.fixture(scope="session")
def vectors():
    return json.loads(VECTORS.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def example(vectors):
    return vectors["wechat"]


@pytest.fixture(scope="session")
def merchant_key(vectors):
    return _key(vectors["merchant_rsa_numbers_hex"])


@pytest.fixture(scope="session")
def platform_key(vectors):
    return _key(vectors["platform_rsa_numbers_hex"])


@pytest.fixture(scope="session")
def identity():
    """One merchant and platform for all tests: making keys takes half a second."""
    return new_identity(datetime(2026, 1, 10, tzinfo=UTC))


def _key(numbers: dict[str, str]) -> RSAPrivateKey:
    n, e, d, p, q = (int(numbers[name], 16) for name in "nedpq")
    return RSAPrivateNumbers(
        p, q, d, rsa_crt_dmp1(d, p), rsa_crt_dmq1(d, q), rsa_crt_iqmp(p, q), RSAPublicNumbers(e, n)
    ).private_key()
