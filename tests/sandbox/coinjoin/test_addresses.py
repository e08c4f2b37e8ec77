"""Addresses: checksums, forms and networks, by the vectors of their standards."""

from __future__ import annotations

import hashlib

from payments.addresses import check
from sandbox.coinjoin import addresses
from tests.every import every
from tests.sandbox.coinjoin.conftest import LEGACY, SCRIPT, SEGWIT, TAPROOT, TEST


class TestValid:
    @every("address", [SEGWIT, SEGWIT.upper(), TAPROOT, LEGACY, SCRIPT])
    def test_on_the_main_network_and_there_only(self, address):
        assert addresses.is_valid(address, "main")
        assert not addresses.is_valid(address, "test")

    @every(
        "address", [TEST, "mr9if7VDsVfEZ1qUo2u3trv6rU9eH7Yx4u", "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"]
    )
    def test_on_the_test_network_and_there_only(self, address):
        assert addresses.is_valid(address, "test")
        assert not addresses.is_valid(address, "main")

    @every(
        "address",
        [
            "",
            "1",
            "bc1",
            "bc1q",
            SEGWIT[:-1] + "5",
            SEGWIT[:-1],
            SEGWIT.capitalize(),
            "BC1" + SEGWIT[3:],
            LEGACY[:-1] + "U",
            LEGACY + "1",
            LEGACY.lower(),
            "0" + LEGACY[1:],
            "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4",  # BIP 350: a letter that is none
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",  # BIP 350: the checksum of another version
            "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y" + "q",
            "x" * 500,
        ],
    )
    def test_nothing_else(self, address):
        assert not addresses.is_valid(address, "main")


class TestFresh:
    @every("network", ["main", "test"])
    def test_valid_and_always_the_same_for_one_seed(self, network):
        found = {addresses.fresh(hashlib.sha256(bytes((seed,))).digest(), network) for seed in range(50)}
        assert len(found) == 50
        assert all(addresses.is_valid(address, network) for address in found)
        assert addresses.fresh(b"a", network) == addresses.fresh(b"a", network)

    def test_the_products_own_check_agrees(self):
        assert check("BTC", addresses.fresh(b"seed", "main")).valid is True
        assert check("BTC", addresses.fresh(b"seed", "test")).valid is False
