"""The pages of withdrawals: the list, one of them, asking about it. Rules are the services'."""

from __future__ import annotations

import time
from typing import Any

from django.utils.translation import gettext_lazy

from backoffice.kit.timeline import flat
from backoffice.kit.views import (
    Action,
    ActionView,
    BulkAction,
    DetailView,
    ListView,
    PageAction,
)
from backoffice.permissions import APPROVER, roles_of
from payments.filters.withdrawals import WithdrawalFilters
from payments.models import ExceptionItem, Method, Movement, Withdrawal
from payments.services import approvals, balances, movements, withdrawals
from payments.tables.withdrawals import WithdrawalTable

from . import withdrawal_facts as facts
from .references import RELEASE
from .withdrawal_bulk import ASKABLE

Status = Withdrawal.Status
APPROVE = "payments.approve_withdrawal"
BEFORE_SENDING = (Status.AWAITING_APPROVAL, Status.APPROVED)
FINAL = (Status.COMPLETE, Status.FAILED, Status.REJECTED, Status.CANCELED)


def may_be_decided(one: Withdrawal, user: Any) -> bool:
    """Whether this person may tick it for approval: it waits, and is not their own."""
    return one.status == Status.AWAITING_APPROVAL and one.created_by_id != user.pk


class WithdrawalListView(ListView):
    model = Withdrawal
    table_class = WithdrawalTable
    filterset_class = WithdrawalFilters
    select_related = ("account", "reference", "created_by")
    page_actions = (
        PageAction(
            gettext_lazy("New withdrawal"),
            "payments:withdrawal_start",
            "payments.request_withdrawal",
            "plus",
            style="primary",
        ),
    )
    bulk_actions = (
        BulkAction(
            gettext_lazy("Review and approve"),
            "payments:withdrawal_bulk_approve",
            APPROVE,
            "stamp",
            when=may_be_decided,
        ),
        BulkAction(
            gettext_lazy("Check now"),
            "payments:withdrawal_bulk_refresh",
            "payments.refresh_withdrawal",
            "refresh-cw",
            when=lambda one, _user: one.status in ASKABLE,
        ),
    )
    live = 2
    template_name = "payments/withdrawal_list.html"

    def context(self, **extra: Any) -> dict[str, Any]:
        found = extra["filterset"].qs
        waiting = found.filter(status=Status.AWAITING_APPROVAL).exclude(created_by=self.request.user)
        return super().context(
            sums=facts.sums(found),
            sum_cap=movements.SUM_CAP,
            waiting=waiting.count() if self.may(APPROVE) else 0,
            bulk_query=self.request.GET.urlencode(),
            **extra,
        )


# --- One withdrawal ---
def is_doubtful(withdrawal: Withdrawal) -> bool:
    """Whether people may decide what became of it: its outcome is unknown, or it is held after it was sent."""
    held = withdrawal.reference.held_at is not None and withdrawal.status == Status.PENDING
    return withdrawal.status == Status.UNKNOWN or held


class WithdrawalDetailView(DetailView):
    model = Withdrawal
    select_related = ("account__health", "reference", "created_by")
    list_url_name = "payments:withdrawal_list"
    watches = ("checked_at", "next_check_at")  # the page says when
    actions = (
        Action(
            gettext_lazy("Check now"),
            "payments:withdrawal_refresh",
            "payments.refresh_withdrawal",
            "refresh-cw",
            when=lambda one: one.status in ASKABLE,
        ),
        RELEASE,
        Action(
            gettext_lazy("Cancel it"),
            "payments:withdrawal_cancel",
            "payments.cancel_withdrawal",
            "ban",
            style="danger",
            confirm=True,
            when=lambda one: one.status in BEFORE_SENDING,
        ),
        Action(
            gettext_lazy("Reject"),
            "payments:withdrawal_reject",
            APPROVE,
            "x",
            style="danger",
            confirm=True,
            when=lambda one: one.status == Status.AWAITING_APPROVAL,
        ),
        Action(
            gettext_lazy("Read and approve"),
            "payments:withdrawal_approve",
            APPROVE,
            "stamp",
            style="primary",
            confirm=True,
            when=lambda one: one.status == Status.AWAITING_APPROVAL,
        ),
    )

    def watched(self, obj: Withdrawal) -> list[Any]:
        """Also each decision: the page says so."""
        decided = obj.reference.approvals.order_by("-pk").values_list("pk", "used_at", "voided_at").first()
        ticks = time.time() // 20 if is_doubtful(obj) else 0  # the page says how long still
        return [decided, ticks]

    def _is_mine(self) -> bool:
        return self.object.created_by_id == self.request.user.pk

    def _is_offered(self, name: str, why_not: str) -> bool:
        """Whether a button makes sense for this person, beyond their role."""
        if name in ("payments:withdrawal_approve", "payments:withdrawal_reject"):
            return not why_not
        if name == "payments:withdrawal_cancel":
            return self._is_mine() or APPROVER in roles_of(self.request.user)
        # In doubt it stands with the evidence.
        return name != "payments:withdrawal_refresh" or not is_doubtful(self.object)

    def context(self, **extra: Any) -> dict[str, Any]:
        withdrawal: Withdrawal = self.object
        why_not = (
            approvals.why_not_person(actor=self.request.user, requester=withdrawal.created_by)
            if self.may(APPROVE)
            else ""
        )
        items = list(
            ExceptionItem.objects.filter(
                reference_id=withdrawal.reference_id, status=ExceptionItem.Status.OPEN
            ).order_by("opened_at")
        )
        holds = [item for item in items if item.kind == ExceptionItem.Kind.HOLD]
        title = Method.objects.filter(account_id=withdrawal.account_id, code=withdrawal.method)
        context = super().context(
            is_final=withdrawal.status in FINAL,
            is_sent=withdrawal.status not in BEFORE_SENDING,
            is_mine=self._is_mine(),
            may_approve=self.may(APPROVE),
            why_not=why_not,
            may_see_calls=self.may("payments.view_providercall"),
            method_title=title.values_list("title", flat=True).first() or "",
            over=facts.over(withdrawal),
            approvals=facts.given(withdrawal),
            reservation=withdrawal.reference.reservations.filter(
                balance__currency=withdrawal.balance_currency
            )
            .order_by("-created_at")
            .first(),
            attempts=facts.attempts(withdrawal),
            movements=Movement.objects.filter(reference_id=withdrawal.reference_id).order_by(
                "booked_at", "id"
            ),
            doubt=facts.doubt(withdrawal, self.request.user) if is_doubtful(withdrawal) else None,
            evidence=[line for item in holds for line in flat(item.facts)],
            items=[item for item in items if item.kind != ExceptionItem.Kind.HOLD],
            may_resolve=self.may("payments.resolve_withdrawal"),
            may_confirm=self.may("payments.confirm_withdrawal"),
            may_refresh=self.may("payments.refresh_withdrawal"),
            **extra,
        )
        context["offers"] = [
            offer for offer in context["offers"] if self._is_offered(offer.action.url_name, why_not)
        ]
        return context


class WithdrawalRefreshView(ActionView):
    model = Withdrawal
    permission = "payments.refresh_withdrawal"
    title = gettext_lazy("Check now")
    question = gettext_lazy("Ask the provider what became of this withdrawal?")
    success = gettext_lazy("The provider is being asked. The answer appears here by itself.")

    def perform(self, obj: Withdrawal, form: Any) -> None:
        withdrawals.ask_now(actor=self.request.user, withdrawal=obj)
        if is_doubtful(obj):  # the balance is evidence, too
            balances.ask_now(actor=self.request.user, account=obj.account)

    def get_success_url(self) -> str:
        asked = "?asked" if self.request.method == "POST" else ""
        return f"{super().get_success_url()}{asked}"
