"""The pages of vouchers: the list with what the provider's lists say, one of them, asking about it. No rule."""

from __future__ import annotations

import time
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy

from backoffice.kit.timeline import flat
from backoffice.kit.views import Action, ActionView, DetailView, ListView, PageAction
from backoffice.permissions import APPROVER, roles_of
from codes.filters.vouchers import VoucherFilters
from codes.models import Voucher
from codes.services import liability, listings, vouchers
from codes.tables.vouchers import VoucherTable
from payments.models import ExceptionItem, Movement, ProviderAccount
from payments.providers import offering
from payments.providers.base import Vouchers
from payments.services import approvals

from . import voucher_facts as facts

Status = Voucher.Status
APPROVE, REFRESH = "codes.approve_voucher", "codes.refresh_voucher"
BEFORE_SENDING = (Status.AWAITING_APPROVAL, Status.APPROVED)
# What a worker may be asked to look up: a code in the provider's list, or our balance after a doubt.
LISTED = (Status.ACTIVE, Status.REDEEMED, Status.DISABLED)


class VoucherListView(ListView):
    model = Voucher
    table_class = VoucherTable
    filterset_class = VoucherFilters
    select_related = ("account", "reference", "created_by")
    page_actions = (
        PageAction(
            gettext_lazy("Redeem a code"),
            "codes:voucher_redeem_start",
            "codes.redeem_voucher",
            "ticket-check",
        ),
        PageAction(
            gettext_lazy("Request vouchers"),
            "codes:voucher_start",
            "codes.request_voucher",
            "plus",
            style="primary",
        ),
    )
    template_name = "codes/voucher_list.html"

    def get_queryset(self) -> QuerySet[Voucher]:
        return super().get_queryset().defer("code", "password")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.GET.get("part") == "listings":
            return TemplateResponse(request, "codes/voucher_listings.html", self._listings())
        return super().get(request, *args, **kwargs)

    def _listings(self) -> dict[str, Any]:
        return {
            "listings": facts.listings(),
            "lines": liability.lines(),
            "may_refresh": self.may(REFRESH),
            "asked": "asked" in self.request.GET,
        }

    def context(self, **extra: Any) -> dict[str, Any]:
        is_whole = extra["frame"] == "layout.html"
        return super().context(**(self._listings() if is_whole else {}), **extra)


class ListingRefreshView(ActionView):
    """Lets a worker read one account's list now."""

    model = ProviderAccount
    permission = REFRESH
    title = gettext_lazy("Read the list now")
    question = gettext_lazy("Let the provider’s list of codes be read now?")
    success = gettext_lazy("The list is being read.")

    def get_queryset(self) -> QuerySet[ProviderAccount]:
        return ProviderAccount.objects.filter(provider__in=offering(Vouchers))

    def perform(self, obj: ProviderAccount, form: Any) -> None:
        listings.ask_now(actor=self.request.user, account=obj)

    def get_success_url(self) -> str:
        asked = "?asked" if self.request.method == "POST" else ""
        return f"{reverse('codes:voucher_list')}{asked}"


# --- One voucher ---
class VoucherDetailView(DetailView):
    model = Voucher
    select_related = ("account__health", "reference", "created_by")
    list_url_name = "codes:voucher_list"
    watches = ("checked_at", "next_check_at", "listed_at")  # the page says when
    actions = (
        Action(
            gettext_lazy("Check now"),
            "codes:voucher_refresh",
            REFRESH,
            "refresh-cw",
            when=lambda one: one.is_issued and one.status in LISTED,
        ),
        Action(
            gettext_lazy("Release hold"),
            "payments:reference_release",
            "payments.release_hold",
            "lock-open",
            confirm=True,
            by="reference_id",
            when=lambda one: one.reference.held_at is not None,
        ),
        Action(
            gettext_lazy("Cancel it"),
            "codes:voucher_cancel",
            "codes.cancel_voucher",
            "ban",
            style="danger",
            confirm=True,
            when=lambda one: (
                one.status in BEFORE_SENDING
                or (one.status == Status.REDEEMING and one.sent_at is None and not one.is_in_hand)
            ),
        ),
        Action(
            gettext_lazy("Reject"),
            "codes:voucher_reject",
            APPROVE,
            "x",
            style="danger",
            confirm=True,
            when=lambda one: one.status == Status.AWAITING_APPROVAL,
        ),
        Action(
            gettext_lazy("Read and approve"),
            "codes:voucher_approve",
            APPROVE,
            "stamp",
            style="primary",
            confirm=True,
            when=lambda one: one.status == Status.AWAITING_APPROVAL,
        ),
    )

    def watched(self, obj: Voucher) -> list[Any]:
        """Also each decision, and the others of its request."""
        decided = obj.reference.approvals.order_by("-pk").values_list("pk", "used_at", "voided_at").first()
        ticks = time.time() // 20 if obj.status == Status.UNKNOWN else 0  # the page says how long still
        others = Voucher.objects.filter(bulk=obj.bulk).order_by("pk").values_list("status", flat=True)
        return [decided, ticks, list(others)]

    def _is_mine(self) -> bool:
        return self.object.created_by_id == self.request.user.pk

    def _is_offered(self, name: str, why_not: str) -> bool:
        """Whether a button makes sense for this person, beyond their role."""
        if name in ("codes:voucher_approve", "codes:voucher_reject"):
            return not why_not
        if name == "codes:voucher_cancel":
            return self._is_mine() or APPROVER in roles_of(self.request.user)
        return True

    def context(self, **extra: Any) -> dict[str, Any]:
        voucher: Voucher = self.object
        user = self.request.user
        why_not = (
            approvals.why_not_person(actor=user, requester=voucher.created_by) if self.may(APPROVE) else ""
        )
        items = list(
            ExceptionItem.objects.filter(
                reference_id=voucher.reference_id, status=ExceptionItem.Status.OPEN
            ).order_by("opened_at")
        )
        holds = [item for item in items if item.kind == ExceptionItem.Kind.HOLD]
        is_sent = voucher.status not in BEFORE_SENDING
        context = super().context(
            is_final=self.is_final(voucher) or voucher.status in LISTED,
            is_sent=is_sent,
            is_mine=self._is_mine(),
            may_approve=self.may(APPROVE),
            why_not=why_not,
            may_see_calls=self.may("payments.view_providercall"),
            may_reveal=self.may("codes.reveal_voucher"),
            may_redeem=self.may("codes.redeem_voucher"),
            parts=facts.may_be_shown(voucher),
            seen_by=facts.seen_by(voucher),
            bulk=facts.bulk(voucher),
            approvals=facts.given(voucher),
            reservation=voucher.reference.reservations.order_by("-created_at").first(),
            attempts=facts.attempts(voucher),
            movements=Movement.objects.filter(reference_id=voucher.reference_id).order_by("booked_at", "id"),
            doubt=facts.doubt(voucher, user) if voucher.status == Status.UNKNOWN else None,
            evidence=[line for item in holds for line in flat(item.facts)],
            items=[item for item in items if item.kind != ExceptionItem.Kind.HOLD],
            may_resolve=self.may("codes.resolve_voucher"),
            may_confirm=self.may("codes.confirm_voucher"),
            may_refresh=self.may(REFRESH),
            **extra,
        )
        context["offers"] = [
            offer for offer in context["offers"] if self._is_offered(offer.action.url_name, why_not)
        ]
        return context


class VoucherRefreshView(ActionView):
    model = Voucher
    permission = REFRESH
    title = gettext_lazy("Check now")
    question = gettext_lazy("Ask the provider what became of this voucher?")
    success = gettext_lazy("The provider is being asked. The answer appears here by itself.")

    def perform(self, obj: Voucher, form: Any) -> None:
        vouchers.ask_now(actor=self.request.user, voucher=obj)

    def get_success_url(self) -> str:
        asked = "?asked" if self.request.method == "POST" else ""
        return f"{super().get_success_url()}{asked}"
