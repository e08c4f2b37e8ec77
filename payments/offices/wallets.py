"""What wallets and deposits give to the shared pages: kinds, what waits, words of the audit trail. Holds no rule."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from backoffice.kit import office, verbs
from payments.models import Deposit, Invoice, InvoicePayment, Wallet
from payments.services import deposit_decisions, deposits, wallets


def _wallet(wallet: Wallet) -> office.Summary:
    is_held = wallet.reference.held_at is not None
    return office.Summary(
        title=wallet.customer or wallet.label or wallet.address or wallet.method,
        status=_("Held") if is_held else wallet.get_status_display(),
        tone="warn" if is_held else Wallet.TONES[Wallet.Status(wallet.status)],
        currency=wallet.currency,
        account=wallet.account,
    )


def _deposit(deposit: Deposit) -> office.Summary:
    is_held = deposit.reference.held_at is not None
    return office.Summary(
        title=deposit.txid or deposit.address,
        status=_("Held") if is_held else deposit.get_status_display(),
        tone="warn" if is_held else Deposit.TONES[Deposit.Status(deposit.status)],
        amount=deposit.amount,
        currency=deposit.currency,
        account=deposit.account,
    )


office.register(
    office.Kind(
        kind="wallet",
        model="payments.Wallet",
        label=_("Wallet"),
        label_plural=_("Wallets"),
        detail="payments:wallet",
        permission="payments.view_wallet",
        refresh=wallets.refresh,
        submit=wallets.submit,
        sends=wallets.SENDS,
        expire=wallets.expire,
        search_text=wallets.search_text,
        summary=_wallet,
        icon="qr-code",
    ),
    office.Kind(
        kind="deposit",
        model="payments.Deposit",
        label=_("Deposit"),
        label_plural=_("Deposits"),
        detail="payments:deposit",
        permission="payments.view_deposit",
        refresh=deposits.refresh,
        search_text=deposits.search_text,
        summary=_deposit,
        icon="arrow-down-to-line",
    ),
    office.Waiting(
        name="wallets-to-approve",
        label=_("Wallets with a conversion to approve"),
        url="payments:wallet_list",
        query="status=awaiting_approval",
        permission="payments.approve_wallet",
        rows=lambda user: Wallet.objects.filter(status="awaiting_approval").exclude(created_by=user),
        icon="stamp",
    ),
    office.Waiting(
        name="unknown-wallets",
        label=_("Wallets of which it is not known whether they were made"),
        url="payments:wallet_list",
        query="status=unknown",
        permission="payments.resolve_wallet",
        rows=lambda user: Wallet.objects.filter(status="unknown"),
        icon="circle-question-mark",
    ),
    office.Waiting(
        name="held-deposits",
        label=_("Deposits on hold, such as by an AML check"),
        url="payments:deposit_list",
        query="status=held",
        permission="payments.release_hold",
        rows=lambda user: Deposit.objects.filter(reference__held_at__isnull=False),
        icon="lock",
    ),
    office.Waiting(
        name="deposits-to-confirm",
        label=_("Releases of deposits to confirm"),
        url="payments:deposit_list",
        query="status=to_confirm",
        permission="payments.confirm_deposit",
        rows=deposit_decisions.waiting_for,
        icon="badge-check",
    ),
    office.Waiting(
        name="unmatched-payments",
        label=_("Payments of which nobody knows the invoice"),
        url="payments:invoicepayment_list",
        query="matched=no",
        permission="payments.resolve_invoice",
        rows=lambda user: InvoicePayment.objects.filter(invoice=None),
        icon="circle-question-mark",
    ),
    office.Waiting(
        name="invoices-to-approve",
        label=_("Invoices with a conversion to approve"),
        url="payments:invoice_list",
        query="status=awaiting_approval",
        permission="payments.approve_invoice",
        rows=lambda user: Invoice.objects.filter(status="awaiting_approval").exclude(created_by=user),
        icon="stamp",
    ),
)

verbs.say(
    {
        "wallet.created": _("Wallet created"),
        "wallet.requested": _("Wallet with a conversion requested"),
        "wallet.awaiting_approval": _("Back to be approved"),
        "wallet.approved": _("Approved"),
        "wallet.rejected": _("Rejected"),
        "wallet.creating": _("Being made"),
        "wallet.unknown": _("Outcome unknown"),
        "wallet.active": _("Address made"),
        "wallet.failed": _("Failed"),
        "wallet.given": _("Whom it is for was changed"),
        "payer_link.created": _("Payer's link made"),
        "payer_link.opened": _("Payer's link opened"),
        "payer_link.withdrawn": _("Payer's link taken back"),
        "deposit.seen": _("Deposit seen"),
        "deposit.confirmed": _("Confirmed and credited"),
        "deposit.rejected": _("Rejected"),
        "deposit.release_proposed": _("Proposed: release it"),
    }
)
