"""The throw-away keys and worked examples that the WeChat Pay tests start from."""

import json
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


def _key(numbers: dict[str, str]) -> RSAPrivateKey:
    n, e, d, p, q = (int(numbers[name], 16) for name in "nedpq")
    return RSAPrivateNumbers(
        p, q, d, rsa_crt_dmp1(d, p), rsa_crt_dmq1(d, q), rsa_crt_iqmp(p, q), RSAPublicNumbers(e, n)
    ).private_key()
