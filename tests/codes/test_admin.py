"""Vouchers in Django's admin: to look at, to ask anew, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from backoffice.kit import wake
from codes.models import VoucherListing
from tests import factories
from tests.codes import rows
from tests.payments.rows import HOST, browser, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def inside(settings: Any) -> None:
    settings.PROVIDER_INTERNAL_HOSTS = frozenset({HOST})


@pytest.fixture
def active() -> Any:
    asked = factories.vouchers(rows.account(), actor=factories.person("operator"), **{"pass": rows.PASSWORD})
    return rows.made(asked[0])


class TestVoucher:
    def test_it_is_shown_without_code_digest_and_password(self, active: Any) -> None:
        client = browser("admin")
        for path in ("/admin/codes/voucher/", f"/admin/codes/voucher/{active.pk}/change/"):
            shown = text_of(client.get(path))
            assert active.reference.value in shown
            for secret in (rows.CODE, rows.PASSWORD, active.code_digest):
                assert secret not in shown

    def test_nobody_adds_changes_or_deletes(self, active: Any) -> None:
        client = browser("admin")
        page = f"/admin/codes/voucher/{active.pk}"
        assert client.get("/admin/codes/voucher/add/").status_code == 403
        assert client.post(f"{page}/change/", {"status": "redeemed"}).status_code == 403
        assert client.post(f"{page}/delete/", {"post": "yes"}).status_code == 403
        assert rows.fresh(active).status == "active"

    @pytest.mark.parametrize("role", ["viewer", "operator", "approver", "finance"])
    def test_it_is_for_admins(self, active: Any, role: str) -> None:
        assert browser(role).get("/admin/codes/voucher/").status_code == 403

    def test_check_now_asks_by_the_service(self, active: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        woken: list[Any] = []
        monkeypatch.setattr(wake, "later", lambda name, *args: woken.append((name, args)))
        given = {"action": "check_now", "_selected_action": [active.pk]}
        shown = text_of(browser("admin").post("/admin/codes/voucher/", given, follow=True))
        assert "Asked: 1." in shown
        assert woken == [("codes.refresh_voucher", (active.pk,))]

    def test_a_list_is_read_by_the_service(self, active: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        listing = VoucherListing.objects.create(account=active.account)
        woken: list[Any] = []
        monkeypatch.setattr(wake, "later", lambda name, *args: woken.append((name, args)))
        given = {"action": "read_now", "_selected_action": [listing.pk]}
        browser("admin").post("/admin/codes/voucherlisting/", given)
        assert woken == [("codes.sync_account", (active.account_id,))]
