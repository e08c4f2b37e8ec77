"""What payments gives to the shared pages: kinds, cards, what waits, timelines, invariants, demo. Holds no rule."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from backoffice.kit import money, office
from payments import invariants
from payments.models import (
    Callback,
    ExceptionItem,
    Invoice,
    Movement,
    OwnDestination,
    ProviderAccount,
    ProviderCall,
)
from payments.services import invoice_reports, invoices

office.register(
    office.Kind(
        kind="invoice",
        model="payments.Invoice",
        label=_("Invoice"),
        label_plural=_("Invoices"),
        detail="payments:invoice",
        permission="payments.view_invoice",
        refresh=invoices.refresh,
        submit=invoices.submit,
        sends=Invoice.Status.CREATING,
        expire=invoices.expire,
        claimed=lambda *, object_id: invoice_reports.claimed_paid(invoice_id=object_id),
        search_text=invoices.search_text,
        icon="receipt-text",
    ),
)


# --- Dashboard ---
def _balances(user: Any) -> dict[str, Any]:
    accounts = (
        ProviderAccount.objects.select_related("health")
        .prefetch_related("balances")
        .order_by("-is_active", "name")
    )
    return {"accounts": accounts}


def _latest(user: Any) -> dict[str, Any]:
    return {
        "movements": Movement.objects.select_related("account", "reference").order_by("-booked_at", "-id")[:8]
    }


def _invoices(user: Any) -> dict[str, Any]:
    counts = Invoice.objects.values("status").annotate(n=Count("id")).order_by()
    known = {row["status"]: row["n"] for row in counts}
    return {
        "rows": [
            (status, label, Invoice.TONES[Invoice.Status(status)], known[status])
            for status, label in Invoice.Status.choices
            if status in known
        ]
    }


office.register(
    office.Card(
        name="accounts",
        title=_("Accounts and balances"),
        template="payments/cards/accounts.html",
        context=_balances,
        permission="payments.view_balance",
        order=10,
        width=12,
    ),
    office.Card(
        name="movements",
        title=_("Latest movements"),
        template="payments/cards/movements.html",
        context=_latest,
        permission="payments.view_movement",
        order=30,
        width=8,
    ),
    office.Card(
        name="invoices",
        title=_("Invoices"),
        template="payments/cards/invoices.html",
        context=_invoices,
        permission="payments.view_invoice",
        order=20,
        width=4,
    ),
    office.Waiting(
        name="exceptions",
        label=_("Open exceptions"),
        url="payments:exceptionitem_list",
        query="status=open",
        permission="payments.view_exceptionitem",
        count=lambda user: ExceptionItem.objects.filter(status="open").count(),
        icon="triangle-alert",
    ),
    office.Waiting(
        name="own-destinations",
        label=_("Own destinations to approve"),
        url="payments:owndestination_list",
        query="status=proposed",
        permission="payments.approve_owndestination",
        count=lambda user: OwnDestination.objects.filter(status="proposed").exclude(proposed_by=user).count(),
        icon="book-check",
    ),
    office.Waiting(
        name="unknown-invoices",
        label=_("Invoices with an unknown outcome"),
        url="payments:invoice_list",
        query="status=unknown",
        permission="payments.view_invoice",
        count=lambda user: Invoice.objects.filter(status="unknown").count(),
        icon="circle-question-mark",
    ),
)


# --- Timelines ---
def _calls(reference: str) -> Iterable[office.Event]:
    for call in ProviderCall.objects.filter(reference__value=reference).order_by("started_at")[:500]:
        yield office.Event(
            at=call.started_at,
            title=_("Call “%(operation)s”: %(outcome)s")
            % {"operation": call.operation, "outcome": call.outcome or _("no end seen")},
            way=_("Our call"),
            tone=call.tone,
            detail=call.error,
            url=f"/calls/{call.pk}/",
        )


def _callbacks(reference: str) -> Iterable[office.Event]:
    rows = Callback.objects.filter(Q(reference__value=reference) | Q(token_reference__value=reference))
    for callback in rows.order_by("received_at")[:200]:
        yield office.Event(
            at=callback.received_at,
            title=_("Callback arrived"),
            way=_("Callback"),
            tone=Callback.TONES[Callback.Status(callback.status)],
            detail=callback.result,
            url=f"/inbox/{callback.pk}/",
        )


def _movements(reference: str) -> Iterable[office.Event]:
    for movement in Movement.objects.filter(reference__value=reference).order_by("booked_at"):
        yield office.Event(
            at=movement.booked_at,
            title=_("Booked %(amount)s %(currency)s")
            % {"amount": money.plain(movement.amount), "currency": movement.currency},
            way=movement.get_way_display(),
            tone="ok" if movement.amount > 0 else "info",
            detail=movement.label if movement.on_balance else f"{movement.label}, {_('off balance')}",
        )


office.register(
    office.TimelineSource(name="calls", events=_calls, permission="payments.view_providercall"),
    office.TimelineSource(name="callbacks", events=_callbacks, permission="payments.view_callback"),
    office.TimelineSource(name="movements", events=_movements, permission="payments.view_movement"),
)
office.register(*invariants.ALL)
