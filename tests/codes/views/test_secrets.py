"""The canary: a code, its halves and its password stand on no page, in no file, search, trace or error page.

Every page is walked as every role, with vouchers that were made and redeemed at the sandbox. Only the answer to a
reveal shows one.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from django.test import Client

from backoffice.models import AuditEntry, SearchEntry
from backoffice.permissions import ROLES
from codes.models import Voucher, VoucherListing
from codes.services import listings, vouchers
from codes.views import vouchers as pages
from payments.models import ExceptionItem, Movement, ProviderAccount, ProviderCall, Reference
from payments.services import exceptions
from tests import factories
from tests.objects import NOWHERE, Objects
from tests.payments.rows import browser
from tests.test_routes import OPEN, ROUTES, may

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD, THEIR_PASSWORD = "canary-Sesame-4711", "canary-Orchid-0815"


def parts(code: str) -> Iterator[str]:
    """The code, any eight characters of it in a row, and any two of its groups."""
    yield code
    bare = code.replace("-", "")
    yield from (bare[start : start + 8] for start in range(len(bare) - 7))
    groups = code.split("-")
    for one, other in itertools.permutations(groups, 2):
        yield f"{one}-{other}"
        yield one + other


class Canary:
    """What must not be seen."""

    def __init__(self, *codes: str) -> None:
        self.secrets = {part for code in codes for part in parts(code)} | {PASSWORD, THEIR_PASSWORD}

    def sings(self, text: str) -> list[str]:
        bare = text.replace("-", "")
        return sorted(secret for secret in self.secrets if secret in text or secret in bare)


@pytest.fixture
def made(issuing: ProviderAccount, people: Any, box: Any) -> Voucher:
    return factories.active_voucher(issuing, people, **{"pass": PASSWORD, "desc": "Gift"})


@pytest.fixture
def taken(issuing: ProviderAccount, people: Any, box: Any) -> Voucher:
    """A code of somebody outside; its first try had a wrong password, the second is in doubt."""
    outside = {"amount": "7", "currency": "USDT", "pass": THEIR_PASSWORD}
    code = box.control("bitloga/codes", outside)["code"]
    wrong = vouchers.redeem(
        actor=people["operator"], account=issuing, code=code, password=f"x{THEIR_PASSWORD}"
    )
    vouchers.submit(voucher_id=wrong.pk)
    box.control("faults", {"provider": "bitloga", "action": "apply", "mode": "drop_after"})
    doubt = vouchers.redeem(actor=people["operator"], account=issuing, code=code, password=THEIR_PASSWORD)
    vouchers.submit(voucher_id=doubt.pk)
    doubt.refresh_from_db()
    assert doubt.status == "unknown"
    return doubt


@pytest.fixture
def canary(made: Voucher, taken: Voucher, people: Any) -> Canary:
    """Both have been shown, looked for, listed, searched for, noted as exceptions."""
    vouchers.reveal(actor=people["operator"], voucher=made, part="code")
    vouchers.reveal(actor=people["operator"], voucher=made, part="password")
    vouchers.refresh(voucher_id=made.pk)
    vouchers.refresh(voucher_id=taken.pk)
    listings.sync(account_id=made.account_id)
    with transaction.atomic():
        exceptions.hold(reference=made.reference, obj=made, reason="Amounts differ", way="poll")
    return Canary(made.code, taken.code)


def body(response: Any) -> str:
    """All that was sent, with its headers."""
    sent = b"".join(response.streaming_content) if response.streaming else response.content
    return sent.decode(errors="replace") + json.dumps(dict(response.headers))


class TestCanary:
    def test_it_would_sing(self, canary: Canary, made: Voucher) -> None:
        assert canary.sings(f"… {made.code[5:14]} …")
        assert canary.sings(made.code.replace("-", "")[3:11])
        assert not canary.sings("2611-2115 Gift, 10 USDT")

    @pytest.mark.parametrize("role", ROLES)
    def test_no_page_of_any_role_shows_it(
        self, canary: Canary, made: Voucher, taken: Voucher, role: str, settings: Any
    ) -> None:
        settings.PROVIDER_INTERNAL_HOSTS |= {NOWHERE}
        client = browser(role)
        problems, objects = [], Objects()
        for voucher in (made, taken):
            objects._made |= self.rows(voucher)
            for route in ROUTES:
                if route.name in OPEN or not may(route, role):
                    continue
                address = route.address(objects)
                if not route.converters and voucher is taken:
                    continue  # a list shows both, and was looked at already
                lists = ("?export=csv", f"?q={voucher.reference.value}", "?fragment=1&part=listings")
                for query in ("",) if route.converters else ("", *lists):
                    if found := canary.sings(body(client.get(address + query))):
                        problems.append(f"{address}{query}: {found[0]}")
        assert not problems, "\n".join(problems)

    @staticmethod
    def rows(voucher: Voucher) -> dict[type, Any]:
        """The walk's rows, where they are about this voucher."""
        return {
            Voucher: voucher,
            ProviderAccount: voucher.account,
            Reference: voucher.reference,
            VoucherListing: VoucherListing.objects.get(),
            ExceptionItem: ExceptionItem.objects.filter(kind="hold").get(),
            ProviderCall: ProviderCall.objects.filter(reference=voucher.reference, safe=False).latest("pk"),
            get_user_model(): voucher.created_by,
        }

    def test_every_call_and_exception_is_silent(self, canary: Canary) -> None:
        client = browser("approver")
        calls = list(ProviderCall.objects.all())
        assert {call.operation for call in calls} >= {"code.create", "code.apply", "code.get"}
        for row in [*calls, *ExceptionItem.objects.all()]:
            assert not canary.sings(body(client.get(row.get_absolute_url()))), row

    def test_nothing_that_is_kept_in_clear_holds_it(self, canary: Canary) -> None:
        for model in (
            ProviderCall,
            AuditEntry,
            SearchEntry,
            ExceptionItem,
            Movement,
            VoucherListing,
            Voucher,
        ):
            for row in model.objects.values():
                assert not canary.sings(json.dumps(row, default=str)), model

    def test_only_the_answer_to_a_reveal_shows_it(self, canary: Canary, made: Voucher) -> None:
        client = browser("operator")
        url = f"{made.get_absolute_url()}reveal/"
        assert made.code in body(client.post(url, {"part": "code"}))
        assert not canary.sings(body(client.get(url)))
        assert not canary.sings(body(client.get(made.get_absolute_url())))
        assert not canary.sings(json.dumps(dict(client.session), default=str))


class TestErrorPages:
    """What a page shows that breaks with a voucher in its hands."""

    @pytest.mark.parametrize("debug", [False, True])
    def test_a_page_that_breaks_keeps_quiet(
        self, canary: Canary, made: Voucher, settings: Any, monkeypatch: pytest.MonkeyPatch, debug: bool
    ) -> None:
        settings.DEBUG = debug

        def broken(self: Any, request: Any, pk: int) -> Any:
            voucher = Voucher.objects.get(pk=pk)
            code, password = voucher.code, voucher.password
            raise RuntimeError(f"{len(code)} {len(password)} {voucher}")

        monkeypatch.setattr(pages.VoucherDetailView, "get", broken)
        client = browser("admin")
        client.raise_request_exception = False
        response = client.get(made.get_absolute_url())
        assert response.status_code == 500
        assert ("RuntimeError" in body(response)) == debug
        assert not canary.sings(body(response))

    @pytest.mark.parametrize("debug", [False, True])
    def test_a_form_that_breaks_keeps_quiet_about_what_was_typed(
        self, canary: Canary, made: Voucher, settings: Any, monkeypatch: pytest.MonkeyPatch, debug: bool
    ) -> None:
        settings.DEBUG = debug

        def broken(**typed: Any) -> Any:
            raise RuntimeError(sorted(typed))

        monkeypatch.setattr(vouchers, "redeem", broken)
        client: Client = browser("operator")
        client.raise_request_exception = False
        start = client.get(f"/vouchers/redeem/{made.account_id}/")
        response = client.post(start.url, {"code": made.code, "pass": PASSWORD})
        assert response.status_code == 500
        assert not canary.sings(body(response))
