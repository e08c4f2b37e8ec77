"""The registry and what a provider's class tells about itself."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from payments import providers
from payments.providers import base, errors
from payments.providers.http import Transport
from tests.every import every

HERE = Path(providers.__file__).parent


class TestRegistry:
    def test_a_client_is_made_by_name(self) -> None:
        client = providers.client_for(
            "bitloga",
            base_url="https://bitloga.com/api/v1/",
            credentials={},
            transport=Transport(),
            account_key="a",
        )
        for protocol in (
            base.Balances,
            base.Invoices,
            base.Withdrawals,
            base.Vouchers,
            base.Rates,
            base.Callbacks,
            base.Probe,
        ):
            assert isinstance(client, protocol)
            assert providers.offers("bitloga", protocol)
            assert "bitloga" in providers.offering(protocol)

    def test_an_unknown_provider_is_a_key_error(self) -> None:
        with pytest.raises(KeyError):
            providers.client_for(
                "nobody", base_url="", credentials={}, transport=Transport(), account_key="a"
            )

    @every("name", providers.PROVIDERS)
    def test_every_class_tells_what_the_forms_need(self, name: str) -> None:
        found = providers.PROVIDERS[name]
        assert found.name == name
        if found.live_base_url:  # empty where each service has its own
            assert found.live_base_url.startswith("https://")
            assert found.live_base_url.endswith("/")
        assert any(field.secret and field.required for field in found.credentials)
        assert found.dedupes in ("A", "B", "C")
        assert set(found.grades.values()) <= {"A", "B", "C"}
        assert found.default_rate > 0

    @every("name", providers.PROVIDERS)
    def test_every_field_is_of_a_known_kind(self, name: str) -> None:
        found = providers.PROVIDERS[name]
        kinds = {"text", "amount", "choice", "email", "url", "textarea", "multichoice"}
        for group in (
            found.credentials,
            found.invoice_fields,
            found.withdrawal_fields,
            found.voucher_fields,
            found.redeem_fields,
            found.bid_fields,
            found.partner_payout_fields,
            found.batch_fields,
        ):
            names = [field.name for field in group]
            assert len(set(names)) == len(names)
            for field in group:
                assert field.kind in kinds
                assert field.label
                assert field.money == (field.kind == "amount")


class TestTheLayer:
    def test_it_imports_nothing_of_ours_but_amounts(self) -> None:
        for file in HERE.rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                names = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom):
                    names = [f"{node.module}.{alias.name}" for alias in node.names]
                for name in names:
                    assert not name.startswith("django"), f"{file}: {name}"
                    if name.startswith(("backoffice", "payments", "codes", "sandbox")):
                        assert (
                            name.startswith(("payments.providers", "backoffice.kit.money"))
                            or name == "backoffice.kit.money"
                        ), f"{file}: {name}"

    def test_it_works_where_django_cannot_be_imported(self) -> None:
        code = (
            "import sys, types; sys.modules['django'] = None\n"
            "package = types.ModuleType('backoffice'); package.__path__ = ['backoffice']\n"
            "sys.modules['backoffice'] = package  # its __init__ starts Celery, which needs Django\n"
            "from payments import providers; print(*providers.PROVIDERS)"
        )
        root = HERE.parents[1]
        run = subprocess.run(
            [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False
        )
        assert run.stdout.split() == list(providers.PROVIDERS), run.stderr

    def test_only_two_modules_know_the_network(self) -> None:
        for file in HERE.rglob("*.py"):
            if file.name not in ("http.py", "sockets.py", "hosts.py"):
                for node in ast.walk(ast.parse(file.read_text())):
                    if isinstance(node, ast.Import):
                        assert not {alias.name.partition(".")[0] for alias in node.names} & {
                            "requests",
                            "urllib3",
                            "socket",
                            "ssl",
                        }, file


class TestErrors:
    @every("kind", errors.CLOSED_SET)
    def test_each_has_a_sentence_for_staff_and_takes_the_same_words(
        self, kind: type[errors.ProviderError]
    ) -> None:
        plain = kind("technical")
        assert str(plain) == "technical"
        assert plain.staff.endswith(".")
        full = kind("t", provider_message="p", code="1", fields={"a": "b"}, staff="s", params={"limit": "1"})
        assert (full.provider_message, full.code, full.fields, full.staff) == ("p", "1", {"a": "b"}, "s")
        assert full.params == {"limit": "1"}
        assert full.reason == ""

    def test_two_say_more(self) -> None:
        assert errors.Refused("m", reason="funds").reason == "funds"
        assert errors.RateLimited("m", retry_after=2).retry_after == 2
        assert errors.RateLimited("m").retry_after is None
