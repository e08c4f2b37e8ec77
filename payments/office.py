"""What payments gives to the shared pages: kinds, cards, what waits, timelines, demo. Holds no rule."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from backoffice.kit import html, office, verbs
from payments import dashboard, demo, invariants, reports
from payments.filters.common import currencies
from payments.models import (
    AccountHealth,
    Callback,
    ExceptionItem,
    Invoice,
    Movement,
    OwnDestination,
    ProviderAccount,
    ProviderCall,
    Withdrawal,
)
from payments.offices import batch_payouts
from payments.offices import exchange as _exchange  # noqa: F401  (registers its own parts)
from payments.offices import wallets as _wallet_parts  # noqa: F401  (registers)
from payments.services import (
    decisions,
    freeze,
    invoice_reports,
    invoice_scans,
    invoices,
    methods,
    statements,
    withdrawal_decisions,
    withdrawal_scans,
    withdrawals,
)


# --- Kinds ---
def _invoice(invoice: Invoice) -> office.Summary:
    is_held = invoice.reference.held_at is not None
    return office.Summary(
        title=invoice.customer or invoice.description.strip().split("\n", 1)[0][:60] or invoice.method,
        status=_("Held") if is_held else invoice.get_status_display(),
        tone="warn" if is_held else Invoice.TONES[Invoice.Status(invoice.status)],
        amount=invoice.expected if invoice.received is None else invoice.received,
        currency=invoice.currency,
        account=invoice.account,
    )


def _withdrawal(withdrawal: Withdrawal) -> office.Summary:
    is_held = withdrawal.reference.held_at is not None
    return office.Summary(
        title=withdrawal.payee or withdrawal.shown,
        status=_("Held") if is_held else withdrawal.get_status_display(),
        tone="warn" if is_held else Withdrawal.TONES[Withdrawal.Status(withdrawal.status)],
        amount=withdrawal.amount,
        currency=withdrawal.currency,
        account=withdrawal.account,
    )


html.places_by(methods.places)
parts = (batch_payouts,)  # register themselves

office.register(
    office.Kind(
        kind="invoice",
        model="payments.Invoice",
        label=_("Invoice"),
        label_plural=_("Invoices"),
        detail="payments:invoice",
        permission="payments.view_invoice",
        refresh=invoices.refresh,
        scan=invoice_scans.scan,
        scans=invoice_scans.scans,
        submit=invoices.submit,
        sends=(Invoice.Status.APPROVED, Invoice.Status.CREATING),
        expire=invoices.expire,
        claimed=lambda *, object_id: invoice_reports.claimed_paid(invoice_id=object_id),
        search_text=invoices.search_text,
        summary=_invoice,
        icon="receipt-text",
    ),
)


office.register(
    office.Kind(
        kind="withdrawal",
        model="payments.Withdrawal",
        label=_("Withdrawal"),
        label_plural=_("Withdrawals"),
        detail="payments:withdrawal",
        permission="payments.view_withdrawal",
        refresh=withdrawals.refresh,
        scan=withdrawal_scans.scan,
        scans=withdrawal_scans.scans,
        submit=withdrawals.submit,
        sends=(Withdrawal.Status.APPROVED, Withdrawal.Status.SENDING),
        expire=withdrawals.expire,
        search_text=withdrawals.search_text,
        summary=_withdrawal,
        icon="send",
    ),
    office.Waiting(
        name="withdrawals-to-approve",
        label=_("Withdrawals to approve"),
        url="payments:withdrawal_list",
        query="status=awaiting_approval",
        permission="payments.approve_withdrawal",
        rows=lambda user: Withdrawal.objects.filter(status="awaiting_approval").exclude(created_by=user),
        icon="stamp",
    ),
    office.Waiting(
        name="withdrawals-to-confirm",
        label=_("Decisions to confirm"),
        url="payments:withdrawal_list",
        query="status=to_confirm",
        permission="payments.confirm_withdrawal",
        rows=lambda user: withdrawal_decisions.waiting_for(user),
        icon="badge-check",
    ),
    office.Waiting(
        name="unknown-withdrawals",
        label=_("Withdrawals with an unknown outcome"),
        url="payments:withdrawal_list",
        query="status=unknown",
        permission="payments.resolve_withdrawal",
        rows=lambda user: decisions.open_to(Withdrawal.objects.filter(status="unknown"), user),
        icon="circle-question-mark",
    ),
)


# --- Found by name ---
def _accounts(words: list[str]) -> list[office.Place]:
    """The accounts whose own name or provider's holds every word. There are few of them."""
    found = []
    for account in ProviderAccount.objects.defer("credentials").order_by("name"):
        text = f"{account.name} {account.provider} {account.title}".lower()
        if all(word in text for word in words):
            found.append(office.Place(account.name, account.title, account.get_absolute_url(), "plug"))
    return found


office.register(
    office.Finder(
        name="accounts", label=_("Accounts"), permission="payments.view_provideraccount", find=_accounts
    )
)


# --- Above every page ---
def _frozen() -> list[office.Notice]:
    return [
        office.Notice(
            text=_("All sending is stopped: %(reason)s") % {"reason": reason}
            if account is None
            else _("Sending from %(account)s is stopped: %(reason)s")
            % {"account": account, "reason": reason},
            url=reverse("payments:freeze_list"),
            link=_("To the freeze"),
            icon="octagon-pause",
            tone="bad",
        )
        for reason, account in freeze.reasons()
    ]


office.register(office.Banner(name="freeze", permission="payments.view_freeze", notices=_frozen))


# --- Dashboard ---
def _troubled_accounts(user: Any) -> QuerySet[AccountHealth]:
    silent = [AccountHealth.State.DOWN, AccountHealth.State.DENIED]
    return AccountHealth.objects.filter(state__in=silent, account__is_active=True)


office.register(
    *dashboard.CARDS,
    office.Waiting(
        name="exceptions",
        label=_("Open exceptions"),
        url="payments:exceptionitem_list",
        query="status=open",
        permission="payments.own_exceptionitem",
        rows=lambda user: ExceptionItem.objects.filter(status="open"),
        icon="triangle-alert",
    ),
    office.Waiting(
        name="troubled-accounts",
        label=_("Accounts whose provider does not answer"),
        url="payments:provideraccount_list",
        query="state=troubled",
        permission="payments.probe_provideraccount",
        rows=_troubled_accounts,
        icon="cloud-off",
    ),
    office.Waiting(
        name="own-destinations",
        label=_("Own destinations to approve"),
        url="payments:owndestination_list",
        query="status=proposed",
        permission="payments.approve_owndestination",
        rows=lambda user: OwnDestination.objects.filter(status="proposed").exclude(proposed_by=user),
        icon="book-check",
    ),
    office.Waiting(
        name="unknown-invoices",
        label=_("Invoices with an unknown outcome"),
        url="payments:invoice_list",
        query="status=unknown",
        permission="payments.resolve_invoice",
        rows=lambda user: Invoice.objects.filter(status="unknown"),
        icon="circle-question-mark",
    ),
)


# --- Timelines ---
MANY_ALIKE = 5


def _calls(reference: str) -> Iterable[office.Event]:
    newest = ProviderCall.objects.filter(reference__value=reference).order_by("-started_at", "-id")[:500]
    for _alike, group in itertools.groupby(reversed(newest), key=_likeness):
        calls = list(group)
        # A poll every 20 seconds that says the same is one line, between the first of them and the last two.
        between = calls[1:-2] if len(calls) > MANY_ALIKE else []
        for call in calls[:1] + calls[len(between) + 1 :]:
            yield _call(call)
        if between:
            yield office.Event(
                at=between[0].started_at,
                title=_("Asked %(count)s more times, with the same outcome") % {"count": len(between)},
                way=_("Our call"),
                tone=between[0].tone,
            )


def _likeness(call: ProviderCall) -> tuple[Any, ...]:
    return (call.operation, call.outcome, call.error) if call.safe else (call.pk,)


def _call(call: ProviderCall) -> office.Event:
    return office.Event(
        at=call.started_at,
        title=_("Call “%(operation)s”: %(outcome)s")
        % {"operation": call.operation, "outcome": call.get_outcome_display()},
        way=_("Our call"),
        tone=call.tone,
        detail=call.error,
        url=call.get_absolute_url(),
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
            url=callback.get_absolute_url(),
        )


def _movements(reference: str) -> Iterable[office.Event]:
    for movement in Movement.objects.filter(reference__value=reference).order_by("booked_at"):
        yield office.Event(
            at=movement.booked_at,
            title=_("Booked %(amount)s %(currency)s")
            % {
                "amount": html.amount_text(movement.amount, movement.currency),
                "currency": movement.currency,
            },
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
office.register(
    office.Report(
        name="statements",
        title=_("Statements of account"),
        intro=_("Compared with what the providers stated."),
        template="payments/reports/statements.html",
        permission="backoffice.view_report",
        rows=statements.over,
        columns=reports.statement_columns,
        choices=(
            ("account", _("Account"), reports.account_choices),
            ("currency", _("Currency"), currencies),
        ),
    )
)

# --- The audit trail's words ---
verbs.say(
    {
        "account.created": _("Account added"),
        "account.changed": _("Account changed"),
        "account.moved": _("Account points to another address"),
        "account.probed": _("Connection tested"),
        "account.callback_address_renewed": _("New callback address"),
        "method.added": _("Payment method added"),
        "method.changed": _("Payment method changed"),
        "method.refreshed": _("Payment methods read anew"),
        "balance.opened": _("Opening balance entered"),
        "currency.changed": _("Currency changed"),
        "invoice.created": _("Invoice created"),
        "invoice.requested": _("Invoice with a conversion requested"),
        "invoice.awaiting_approval": _("Back to be approved"),
        "invoice.approved": _("Approved"),
        "invoice.rejected": _("Rejected"),
        "invoice.creating": _("Being created"),
        "invoice.payment_assigned": _("A person said of which invoice a payment is"),
        "invoice.unknown": _("Outcome unknown"),
        "invoice.open": _("Open at the provider"),
        "invoice.paid": _("Paid"),
        "invoice.expired": _("Expired"),
        "invoice.canceled": _("Canceled at the provider"),
        "invoice.failed": _("Failed"),
        "withdrawal.requested": _("Withdrawal requested"),
        "withdrawal.awaiting_approval": _("Back to be approved"),
        "withdrawal.approved": _("Approved"),
        "withdrawal.sending": _("Sending"),
        "withdrawal.unknown": _("Outcome unknown"),
        "withdrawal.pending": _("On its way at the provider"),
        "withdrawal.complete": _("Complete"),
        "withdrawal.failed": _("Failed"),
        "withdrawal.rejected": _("Rejected"),
        "withdrawal.canceled": _("Canceled"),
        "withdrawal.resolve_proposed": _("Proposed: close it as failed"),
        "withdrawal.resend_proposed": _("Proposed: send it again"),
        "withdrawal.revealed": _("Whole card number shown"),
        "freeze.set": _("Sending frozen"),
        "freeze.first_lift": _("First person lifts the freeze"),
        "freeze.lifted": _("Freeze lifted"),
        "destination.proposed": _("Destination proposed"),
        "destination.approved": _("Destination approved"),
        "destination.rejected": _("Destination rejected"),
        "destination.retired": _("Destination taken out of use"),
        "destination.revealed": _("Whole card number shown"),
        "callback.replayed": _("Callback processed again"),
        "exception.opened": _("Exception opened"),
        "exception.owned": _("Exception taken over"),
        "exception.closed": _("Exception closed"),
        "hold.released": _("Hold released"),
        "held": _("Held"),
    }
)


def _currencies() -> list[tuple[str, str]]:
    methods.ensure_currencies()
    return []


office.register_demo(_currencies)
office.register_plot(demo.plot)
