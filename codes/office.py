"""What codes gives to the shared pages: its kind, what waits, its words. Holds no rule."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from backoffice import permissions
from backoffice.kit import office, verbs
from codes import demo, invariants
from codes.models import Voucher
from codes.services import liability, voucher_decisions, vouchers
from codes.views import voucher_facts as facts
from payments.services import decisions

Status = Voucher.Status


def _card(user: Any) -> dict[str, Any]:
    return {
        "lines": liability.lines(),
        "rows": facts.states(),
        "may_request": permissions.may(user, "codes.request_voucher"),
    }


def _summary(voucher: Voucher) -> office.Summary:
    is_held = voucher.reference.held_at is not None
    return office.Summary(
        title=voucher.payee or voucher.description or voucher.get_direction_display(),
        status=_("Held") if is_held else voucher.get_status_display(),
        tone="warn" if is_held else Voucher.TONES[Status(voucher.status)],
        amount=voucher.worth,
        currency=voucher.currency,
        account=voucher.account,
    )


office.register(
    office.Kind(
        kind="voucher",
        model="codes.Voucher",
        label=_("Voucher"),
        label_plural=_("Vouchers"),
        detail="codes:voucher",
        permission="codes.view_voucher",
        refresh=vouchers.refresh,
        submit=vouchers.submit,
        sends=(Status.APPROVED, Status.CREATING, Status.REDEEMING),
        expire=vouchers.expire,
        search_text=vouchers.search_text,
        summary=_summary,
        icon="ticket",
    ),
    office.Waiting(
        name="vouchers-to-approve",
        label=_("Requests of vouchers to approve"),
        url="codes:voucher_list",
        query="status=awaiting_approval",
        permission="codes.approve_voucher",
        rows=lambda user: vouchers.requests_to_approve().exclude(created_by=user),
        icon="stamp",
    ),
    office.Waiting(
        name="vouchers-to-confirm",
        label=_("Decisions about vouchers to confirm"),
        url="codes:voucher_list",
        query="status=to_confirm",
        permission="codes.confirm_voucher",
        rows=lambda user: voucher_decisions.waiting_for(user),
        icon="badge-check",
    ),
    office.Waiting(
        name="unknown-vouchers",
        label=_("Vouchers with an unknown outcome"),
        url="codes:voucher_list",
        query="status=unknown",
        permission="codes.resolve_voucher",
        rows=lambda user: decisions.open_to(Voucher.objects.filter(status=Status.UNKNOWN), user),
        icon="circle-question-mark",
    ),
)
office.register(
    office.Card(
        name="vouchers",
        title=_("Vouchers"),
        template="codes/cards/vouchers.html",
        context=_card,
        permission="codes.view_voucher",
        order=15,
        width=12,
    )
)
office.register(*invariants.ALL)
office.register_plot(demo.plot)

verbs.say(
    {
        "voucher.requested": _("Voucher requested"),
        "voucher.found": _("Found in the provider's list"),
        "voucher.awaiting_approval": _("Back to be approved"),
        "voucher.approved": _("Approved"),
        "voucher.creating": _("Being made"),
        "voucher.redeeming": _("Being redeemed"),
        "voucher.unknown": _("Outcome unknown"),
        "voucher.active": _("Active: it can be redeemed"),
        "voucher.redeemed": _("Redeemed"),
        "voucher.disabled": _("Switched off by the provider"),
        "voucher.failed": _("Failed"),
        "voucher.rejected": _("Rejected"),
        "voucher.canceled": _("Canceled"),
        "voucher.resolve_proposed": _("Proposed: close it as failed"),
        "voucher.revealed": _("Code or password shown"),
    }
)
