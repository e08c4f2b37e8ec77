"""The decisions about one wallet: approve, reject, resolve, whom it is for. Rules are the services'."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy

from backoffice.kit.forms import ReasonForm
from backoffice.kit.views import ApproveView, DecisionView
from payments.forms.exceptions import NoteForm
from payments.forms.wallets import GiveForm
from payments.models import Wallet
from payments.services import wallet_decisions, wallets

from .wallets import APPROVE, CREATE, Status, parameters


class _OfWallet(DecisionView):
    """A decision about one wallet."""

    model = Wallet
    select_related = ("reference", "account", "created_by")


class WalletApproveView(_OfWallet, ApproveView):
    permission = APPROVE
    template_name = "payments/wallet_approve.html"
    title = gettext_lazy("Approve wallet")
    question = gettext_lazy(
        "Whatever arrives there is converted by the provider itself, at its market, without asking again."
    )
    button = gettext_lazy("Approve and make it")
    success = gettext_lazy("Approved. It is being made now.")

    def waits(self) -> bool:
        return self.object.status == Status.AWAITING_APPROVAL

    def perform(self, obj: Wallet, form: Any) -> None:
        wallets.approve(actor=self.request.user, wallet=obj, seen=self.request.POST["seen"])

    def context(self, **extra: Any) -> dict[str, Any]:
        return super().context(seen=wallets.bound(self.object), parameters=parameters(self.object), **extra)


class WalletRejectView(_OfWallet):
    permission = APPROVE
    form_class = ReasonForm
    title = gettext_lazy("Reject wallet")
    question = gettext_lazy("It is not made. Whoever requested it can request another one.")
    style = "danger"
    success = gettext_lazy("Rejected.")

    def is_decided(self) -> bool:
        return self.object.status != Status.AWAITING_APPROVAL

    def perform(self, obj: Wallet, form: ReasonForm) -> None:
        wallets.reject(actor=self.request.user, wallet=obj, reason=form.cleaned_data["reason"])


class WalletResolveView(_OfWallet):
    permission = "payments.resolve_wallet"
    form_class = NoteForm
    title = gettext_lazy("Resolve as failed")
    question = gettext_lazy(
        "The provider's list does not show this wallet: it is closed as failed here. Should its address exist after all, "
        "what arrives there is still seen and credited."
    )
    style = "danger"
    success = gettext_lazy("The wallet is closed as failed.")

    def is_decided(self) -> bool:
        return self.object.status != Status.UNKNOWN

    def perform(self, obj: Wallet, form: NoteForm) -> None:
        wallet_decisions.resolve(actor=self.request.user, wallet=obj, note=form.cleaned_data["note"])


class WalletGiveView(_OfWallet):
    permission = CREATE
    form_class = GiveForm
    title = gettext_lazy("Change whom it is for")
    question = gettext_lazy("What arrives at this address from now on counts for whom you name here.")
    button = gettext_lazy("Keep it")
    success = gettext_lazy("Kept.")

    def get_form(self, data: Any = None) -> GiveForm:
        return GiveForm(data, initial={"customer": self.object.customer, "label": self.object.label})

    def perform(self, obj: Wallet, form: GiveForm) -> None:
        wallet_decisions.give(actor=self.request.user, wallet=obj, **form.cleaned_data)
