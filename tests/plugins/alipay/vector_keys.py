"""The worked examples, and the throw-away keys that they were made with."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPrivateNumbers,
    RSAPublicNumbers,
    rsa_crt_dmp1,
    rsa_crt_dmq1,
    rsa_crt_iqmp,
)

VECTORS: dict[str, Any] = json.loads(
    Path(__file__).with_name("vectors.json").read_text(encoding="utf-8")
)
ALIPAY: dict[str, Any] = VECTORS["alipay"]


def _key(numbers: Mapping[str, str]) -> RSAPrivateKey:
    n, e, d, p, q = (int(numbers[name], 16) for name in ("n", "e", "d", "p", "q"))
    crt = rsa_crt_dmp1(d, p), rsa_crt_dmq1(d, q), rsa_crt_iqmp(p, q)
    return RSAPrivateNumbers(p, q, d, *crt, RSAPublicNumbers(e, n)).private_key()


MERCHANT = _key(VECTORS["merchant_rsa_numbers_hex"])
PLATFORM = _key(VECTORS["platform_rsa_numbers_hex"])
