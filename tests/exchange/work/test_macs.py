"""AES-CMAC over columns: RFC 4493's examples, and the same as a library's, one by one."""

from __future__ import annotations

from random import Random

import pyarrow
import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from hub.exchange.work.macs import Macs
from hub.ledger.macs import Macs as ListMacs
from hub.ledger.subjects import Subjects

pytestmark = pytest.mark.fast

KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
MESSAGE = bytes.fromhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710")
RFC_4493 = {
    0: "bb1d6929e95937287fa37d129b756746",
    16: "070a16b46b4d4144f79bdd9dd04a287c",
    40: "dfa66747de9ae63030ca32611497c827",
    64: "51f0bebf7e3b9d92fc49741779363cfe",
}


def by_library(key: bytes, message: bytes) -> bytes:
    mac = CMAC(AES(key))
    mac.update(message)
    return mac.finalize()


@pytest.mark.parametrize("length", RFC_4493)
def test_the_examples_of_the_rfc(length: int) -> None:
    column = pyarrow.array([MESSAGE[:length]] * 3)
    assert Macs(KEY).of(column).hex() == 3 * RFC_4493[length]
    assert [mac.hex() for mac in ListMacs(KEY).of([MESSAGE[:length]] * 3)] == 3 * [RFC_4493[length]]


def test_columns_of_any_lengths_are_the_library_s() -> None:
    dice = Random()
    for _ in range(30):
        key, most = dice.randbytes(32), dice.choice((1, 17, 70))
        texts = [dice.randbytes(dice.randrange(most)) for _ in range(dice.randrange(200))]
        expected = [by_library(key, text) for text in sorted(texts, key=len)]
        assert Macs(key).of(pyarrow.array(texts, pyarrow.binary())) == b"".join(expected)
        part = slice(dice.randrange(9), dice.randrange(9, 200))
        expected = [by_library(key, text) for text in sorted(texts[part], key=len)]
        assert Macs(key).of(pyarrow.array(texts, pyarrow.binary())[part]) == b"".join(expected)


def test_an_exchange_names_a_subject_as_calls_do() -> None:
    subjects, values = Subjects(bytes(range(32))), ["", "42", "某某公司", "11010519491231002X"]
    column = Macs(subjects.key_of("id_number")).of(pyarrow.array(values))
    assert column == b"".join(subjects.digests("id_number", values))
    assert len({*subjects.digests("id_number", values), *subjects.digests("uscc", values)}) == 2 * len(values)
