"""Items that need a person: the list, the evidence, taking over, closing."""

from __future__ import annotations

import dataclasses
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from backoffice.kit.timeline import flat
from backoffice.kit.views import Action, ActionView, BulkAction, DetailView, ListView
from backoffice.kit.views.details import SLOW
from payments.filters.exceptions import ExceptionItemFilters
from payments.forms.exceptions import BookForm, NoteForm
from payments.models import Balance, ExceptionItem, Reference
from payments.services import exceptions
from payments.tables.exceptions import ExceptionItemTable

from .references import RELEASE

Kind = ExceptionItem.Kind
VIEW_INBOX = "payments.view_callback"

# What each kind means, and what to do about it.
GUIDE = {
    Kind.HOLD: _(
        "What the provider reports is not what we asked for, so nothing is booked. Compare both, ask the "
        "provider if needed, then release the hold: the transaction goes on as the provider reports it."
    ),
    Kind.UNKNOWN_WORD: _(
        "The provider uses a status that we do not know. The transaction keeps its state and is asked about "
        "further. Look at the provider's panel, and tell an admin."
    ),
    Kind.UNKNOWN_REFERENCE: _(
        "The provider signed a message about a transaction that is not ours. Perhaps another system uses the "
        "same keys. Ask who made it."
    ),
    Kind.FORGED_CALLBACK: _(
        "Somebody who knows a callback address sends messages without the right signature. They change "
        "nothing. An admin can give the account a new callback address, and should check the secret key."
    ),
    Kind.MISMATCH: _(
        "A callback says one thing, the provider answers another when asked. The answer counts. Look at "
        "both, and ask the provider if the amount is wrong."
    ),
    Kind.TAKEN_BACK: _(
        "The provider has changed its final word. Our books keep the first one. Ask the provider, then "
        "correct the books if needed."
    ),
    Kind.OVER_DEBIT: _(
        "The provider took more than was approved. It is booked as it is. This account pays nothing out until this is "
        "closed: find out why with the provider, and set the fee of the payment method right."
    ),
    Kind.LATE_PAYMENT: _(
        "The money came after the invoice was over. It is booked. Decide with the customer what it is for."
    ),
    Kind.OVERPAID: _(
        "More came than was asked for. All of it is booked. Agree with the customer on the rest."
    ),
    Kind.UNEXPLAINED_BALANCE: _(
        "The provider states another balance than our movements explain: a fee, or something done in the "
        "provider's panel. Find the reason, then close this and book the difference."
    ),
    Kind.DEAD_CALLBACK: _(
        "A callback could not be processed after several tries. The transaction is asked about anyway. Look "
        "at the callback; once the cause is gone, process it again."
    ),
    Kind.VOUCHER_DISABLED: _(
        "The provider has switched a code of ours off: whoever holds it cannot redeem it now. Ask the provider why, and "
        "tell the holder. If it is switched on again, it is owed as before."
    ),
    Kind.VOUCHER_MISSING: _(
        "What we know of a voucher and what the provider’s list shows do not fit together. Look at both, ask the "
        "provider, and give nobody a second voucher in its place before this is clear."
    ),
    Kind.AMBIGUOUS: _(
        "The provider lists something that could belong to more than one transaction, or to none. Nothing was guessed. "
        "Compare it with the provider's panel, and say of which it is."
    ),
    Kind.AML_FLAG: _(
        "The AML check of the provider does not let this money pass. Follow your own rules for such money, and ask the "
        "provider what becomes of it."
    ),
    Kind.DEPOSIT_REJECTED: _(
        "Money was on its way to us and the provider rejected it. Nothing was credited. Tell the customer, and ask the "
        "provider why."
    ),
    Kind.EXPIRED_PAID: _(
        "It expired at the provider although our money was on its way there. Ask the provider at once what becomes of it."
    ),
    Kind.DEPOSIT_UNSEEN: _(
        "The deposit of a batch payout left us a while ago, and the provider still waits for it. Look its transaction up "
        "in a block explorer: does it pay this address, exactly, and is it confirmed? Then write to the provider before "
        "the batch expires. Never pay it a second time. It closes by itself when the provider sees the deposit."
    ),
    Kind.BAD_ROW: _(
        "One line of a list could not be read, so it was left out; all others were taken in. Look it up in the "
        "provider's panel, and tell an admin."
    ),
    Kind.DENIED: _(
        "The provider does not accept our keys or our address, so nothing is sent for this account. An admin "
        "must check the keys and press “Test connection”."
    ),
    Kind.ACCOUNT_MOVED: _(
        "An admin has pointed this account to another server, and its keys were cleared. Ask the admin "
        "whether this was meant."
    ),
}

# The same for what came in.
GUIDE_DEPOSIT = {
    Kind.HOLD: _(
        "Something about this deposit needs a person, so it is not credited. Look at it in the provider's panel. If the "
        "money is ours and is not counted yet, release the hold: then it is credited."
    ),
    Kind.AML_FLAG: _(
        "The AML check of the provider does not let this deposit pass, so it is not credited. Follow your own rules for such "
        "money. To credit it, one approver proposes to release it and another confirms."
    ),
}


def is_open(item: ExceptionItem) -> bool:
    """Whether it still needs a person."""
    return item.status == ExceptionItem.Status.OPEN


class ExceptionItemListView(ListView):
    model = ExceptionItem
    table_class = ExceptionItemTable
    filterset_class = ExceptionItemFilters
    ordering = ("-opened_at", "-id")
    select_related = ("account", "reference", "owner")
    intro = _("What does not fit and needs a person.")
    bulk_actions = (
        BulkAction(
            _("Take over"),
            "payments:exceptionitem_bulk_own",
            "payments.own_exceptionitem",
            "hand",
            when=lambda item, user: is_open(item) and item.owner_id != user.pk,
        ),
        BulkAction(
            _("Close"),
            "payments:exceptionitem_bulk_close",
            "payments.close_exceptionitem",
            "check",
            when=lambda item, _user: is_open(item) and not item.is_held,
        ),
    )
    live = SLOW


class ExceptionItemDetailView(DetailView):
    model = ExceptionItem
    select_related = ("account", "reference", "owner", "closed_by")
    list_url_name = "payments:exceptionitem_list"
    actions = (
        Action(
            _("Take over"),
            "payments:exceptionitem_own",
            "payments.own_exceptionitem",
            "hand",
            when=is_open,
        ),
        dataclasses.replace(
            RELEASE,
            label=_("Release the hold"),
            style="primary",
            when=lambda item: is_open(item) and item.is_held,
        ),
        Action(
            _("Close"),
            "payments:exceptionitem_close",
            "payments.close_exceptionitem",
            "check",
            style="primary",
            confirm=True,
            when=lambda item: is_open(item) and not item.is_held,
        ),
    )

    def live(self, obj: ExceptionItem) -> int:
        return SLOW if is_open(obj) else 0

    def context(self, **extra: Any) -> dict[str, Any]:
        item = self.object
        context = super().context(
            guide=guide(item),
            evidence=[(name.replace("_", " ").capitalize(), text) for name, text in flat(item.facts)],
            balance=_balance(item),
            links=self.links(item),
            is_held=item.is_held,
            asked=getattr(item.reference, item.reference.kind, None) if item.reference is not None else None,
            **extra,
        )
        if item.owner_id == self.request.user.pk:
            context["offers"] = [
                offer
                for offer in context["offers"]
                if offer.action.permission != "payments.own_exceptionitem"
            ]
        return context

    def links(self, item: ExceptionItem) -> list[tuple[Any, str]]:
        """Where else to look, as (words, address), for this person."""
        found: list[tuple[Any, str, str]] = []
        account = item.account_id or ""
        inbox = reverse("payments:callback_list")
        if item.kind == Kind.UNEXPLAINED_BALANCE:
            query = urlencode({"account": account, "currency": item.facts.get("currency", "")})
            for words, name in ((_("Balance"), "balance"), (_("Movements"), "movement")):
                found.append((words, f"{reverse(f'payments:{name}_list')}?{query}", f"payments.view_{name}"))
        elif item.kind == Kind.FORGED_CALLBACK:
            found.append((_("Forged callbacks"), f"{inbox}?status=forged&account={account}", VIEW_INBOX))
        elif item.kind == Kind.UNKNOWN_REFERENCE:
            found.append((_("Callbacks"), f"{inbox}?status=stray&account={account}", VIEW_INBOX))
        elif item.kind == Kind.DEAD_CALLBACK and "callback" in item.facts:
            page = reverse("payments:callback", kwargs={"pk": item.facts["callback"]})
            found.append((_("The callback"), page, VIEW_INBOX))
        return [(words, address) for words, address, permission in found if self.may(permission)]


def guide(item: ExceptionItem) -> Any:
    """What its kind means, and what to do about it."""
    came_in = item.reference is not None and item.reference.kind == Reference.Kind.DEPOSIT
    if item.kind == Kind.AML_FLAG and not item.is_held:  # flagged after it was credited, or released
        came_in = False
    return (came_in and GUIDE_DEPOSIT.get(Kind(item.kind))) or GUIDE.get(Kind(item.kind), "")


def _balance(item: ExceptionItem) -> Balance | None:
    """The balance that an item about an unexplained one speaks of, as it is now."""
    if item.kind != Kind.UNEXPLAINED_BALANCE or item.account_id is None:
        return None
    return Balance.objects.filter(account=item.account_id, currency=item.facts.get("currency", "")).first()


class ExceptionItemOwnView(ActionView):
    model = ExceptionItem
    permission = "payments.own_exceptionitem"
    title = _("Take over")
    question = _("You will stand here as the person who looks at it.")
    success = _("This is yours now.")

    def perform(self, obj: ExceptionItem, form: Any) -> None:
        exceptions.own(actor=self.request.user, item=obj)


class ExceptionItemCloseView(ActionView):
    model = ExceptionItem
    select_related = ("account", "reference")
    permission = "payments.close_exceptionitem"
    form_class = NoteForm
    template_name = "payments/exceptionitem_close.html"
    title = _("Close exception")
    question = _("Say what you found and decided. It is kept with your name and cannot be changed.")
    success = _("Closed.")

    def get_form(self, data: Any = None) -> forms.Form:
        return BookForm(data) if self.object.kind == Kind.UNEXPLAINED_BALANCE else NoteForm(data)

    def context(self, **extra: Any) -> dict[str, Any]:
        return super().context(balance=_balance(self.object), **extra)

    def perform(self, obj: ExceptionItem, form: Any) -> None:
        exceptions.close(
            actor=self.request.user,
            item=obj,
            note=form.cleaned_data["note"],
            book=form.cleaned_data.get("book", False),
        )
