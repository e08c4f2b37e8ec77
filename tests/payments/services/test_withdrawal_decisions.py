"""What people may decide about a withdrawal when the ground has moved under it: old approvals, moved accounts, old sends."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from backoffice.kit.states import IllegalMove
from payments.models import Approval, ProviderAccount, Withdrawal
from payments.providers.errors import ProviderError
from payments.services import accounts, withdrawal_decisions, withdrawals
from tests import factories
from tests.races import money

pytestmark = pytest.mark.django_db(transaction=True)

NOTE = "not there"


@pytest.fixture
def paying(box: Any, people: Any) -> ProviderAccount:
    return money.paying_account(box)


@pytest.fixture
def unknown(paying: ProviderAccount, people: Any, box: Any, settings: Any) -> Withdrawal:
    """Sent, never answered, and not at the provider."""
    settings.SETTLE_SECONDS = 0
    made = money.approved(paying, people)
    money.fault(box, "drop_before")
    withdrawals.submit(withdrawal_id=made.pk)
    assert money.state(made) == "unknown"
    return made


def look(withdrawal: Withdrawal) -> None:
    with pytest.raises(ProviderError):
        withdrawals.refresh(withdrawal_id=withdrawal.pk)


def agreed_to_resend(withdrawal: Withdrawal) -> Any:
    """Two people agree to send it again; gives the one who confirmed."""
    second, third = factories.person("approver"), factories.person("approver")
    look(withdrawal)
    withdrawal_decisions.resend(actor=second, withdrawal=withdrawal, note=NOTE)
    withdrawal_decisions.confirm(actor=third, withdrawal=withdrawal)
    return third


class TestWhoDecides:
    def test_one_who_approved_before_it_was_sent_again_is_no_outsider(
        self, unknown: Withdrawal, people: Any, box: Any
    ) -> None:
        agreed_to_resend(unknown)
        money.fault(box, "drop_before")
        withdrawals.submit(withdrawal_id=unknown.pk)
        assert money.state(unknown) == "unknown"
        look(unknown)
        with pytest.raises(ValidationError, match="approved this"):
            withdrawal_decisions.resolve(
                actor=people["approver"], withdrawal=unknown, outcome="complete", note="it arrived"
            )


class TestAMovedAccount:
    @pytest.mark.parametrize("step", ["resend", "failed"])
    def test_a_look_up_elsewhere_proves_nothing(
        self, unknown: Withdrawal, paying: ProviderAccount, box: Any, settings: Any, step: str
    ) -> None:
        settings.PROVIDER_INTERNAL_HOSTS = frozenset({f"127.0.0.1:{box.port}", f"localhost:{box.port}"})
        elsewhere = f"http://localhost:{box.port}/bitloga/api/v1/"
        ProviderAccount.objects.filter(pk=paying.pk).update(base_url=elsewhere)
        unknown.refresh_from_db()
        look(unknown)
        found = withdrawal_decisions.last_look(unknown)
        assert found is not None
        assert found.says_not_found
        second = factories.person("approver")
        with pytest.raises(ValidationError, match="another address"):
            if step == "resend":
                withdrawal_decisions.resend(actor=second, withdrawal=unknown, note=NOTE)
            else:
                withdrawal_decisions.resolve(actor=second, withdrawal=unknown, outcome="failed", note=NOTE)


class TestOtherKeys:
    @pytest.mark.parametrize("outcome", ["resend", "failed"])
    @pytest.mark.parametrize("step", ["propose", "confirm"])
    def test_with_other_keys_nothing_is_decided_by_their_answers(
        self, unknown: Withdrawal, paying: ProviderAccount, people: Any, box: Any, step: str, outcome: str
    ) -> None:
        """Another customer of the provider: it does not know what was paid, and would pay it once more."""
        second = factories.person("approver")

        def propose() -> None:
            if outcome == "resend":
                withdrawal_decisions.resend(actor=second, withdrawal=unknown, note=NOTE)
            else:
                withdrawal_decisions.resolve(actor=second, withdrawal=unknown, outcome=outcome, note=NOTE)

        look(unknown)
        if step == "confirm":
            propose()
        other = factories.account(box).keys
        accounts.change(actor=people["admin"], account=paying, credentials=other)
        look(unknown)
        with pytest.raises(ValidationError, match="keys were replaced"):
            if step == "confirm":
                withdrawal_decisions.confirm(actor=factories.person("approver"), withdrawal=unknown)
            else:
                propose()


class TestAnAccountThatMayNotPayAnyMore:
    @pytest.mark.parametrize("field", ["money_out", "is_active"])
    def test_switched_off_while_it_is_on_its_way_no_byte_leaves(
        self, paying: ProviderAccount, people: Any, box: Any, monkeypatch: pytest.MonkeyPatch, field: str
    ) -> None:
        made = money.approved(paying, people)
        real = withdrawals.withdrawal_fields.to_send

        def switched_off_meanwhile(withdrawal: Withdrawal) -> Any:
            if withdrawal.status == "sending":
                ProviderAccount.objects.filter(pk=paying.pk).update(**{field: False})
            return real(withdrawal)

        monkeypatch.setattr(withdrawals.withdrawal_fields, "to_send", switched_off_meanwhile)
        withdrawals.submit(withdrawal_id=made.pk)
        assert (money.state(made), money.accepts(box)) == ("approved", {})
        ProviderAccount.objects.filter(pk=paying.pk).update(**{field: True})
        monkeypatch.undo()
        withdrawals.submit(withdrawal_id=made.pk)
        assert money.state(made) in ("pending", "complete")


class TestAfterASecondSend:
    """That never left, or was refused. The first attempt may still have arrived: one person alone does not end it, nor does the clock."""

    @pytest.fixture
    def waiting(self, unknown: Withdrawal, box: Any) -> Withdrawal:
        agreed_to_resend(unknown)
        box.pause()
        try:
            withdrawals.submit(withdrawal_id=unknown.pk)
        finally:
            box.resume()
        assert money.state(unknown) == "approved"
        return unknown

    def test_a_refusal_of_the_second_says_nothing_of_the_first(self, unknown: Withdrawal, box: Any) -> None:
        agreed_to_resend(unknown)
        money.fault(box, "message", text="Insufficient balance")
        withdrawals.submit(withdrawal_id=unknown.pk)
        assert money.state(unknown) == "unknown"
        assert unknown.reference.reservations.filter(ended_at__isnull=True).count() == 1

    @pytest.mark.parametrize("role", ["operator", "approver"])
    def test_it_cannot_be_canceled(self, waiting: Withdrawal, people: Any, role: str) -> None:
        with pytest.raises((ValidationError, IllegalMove)):
            withdrawals.cancel(actor=people[role], withdrawal=waiting)
        assert money.state(waiting) == "approved"

    def test_when_its_approval_is_over_it_is_in_doubt_again(self, waiting: Withdrawal, people: Any) -> None:
        Approval.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
        assert withdrawals.expire() == 1
        assert money.state(waiting) == "unknown"
        assert waiting.reference.reservations.filter(ended_at__isnull=True).count() == 1
        with pytest.raises(IllegalMove):
            withdrawals.cancel(actor=people["approver"], withdrawal=waiting)
        assert withdrawal_decisions.pending(waiting) is None
