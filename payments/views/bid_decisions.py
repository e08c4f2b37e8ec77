"""What people decide about bids: cancel, “we have paid”, complete, take back; resolve and confirm what is in doubt.

Rules are the services'; these pages show what is decided about, and why something cannot be.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.kit.views import DecisionView, DoubtView, SecondView
from payments.forms.bids import CompleteForm, ResolveBidForm
from payments.models import Bid, BidAct
from payments.services import approvals, bid_acts, bid_decisions, bids, freeze
from payments.tables import provider_words

from . import bid_facts as facts


class _OfBid(DecisionView):
    """A decision about one bid."""

    model = Bid
    select_related = ("reference", "account__health", "created_by", "destination", "direction")
    template_name = "payments/bid_decide.html"
    act = ""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if self.act and (why := bid_acts.why_not(bid=self.object, act=self.act)):
            return self.back([why])
        return super().get(request, *args, **kwargs)

    def context(self, **extra: Any) -> dict[str, Any]:
        bid: Bid = self.object
        word = provider_words.of_bid(bid.account.provider, bid.provider_status)
        return super().context(compared=facts.compared(bid), word=word, **extra)


class BidCancelView(_OfBid):
    permission = "payments.cancel_bid"
    act = BidAct.Act.CANCEL
    title = gettext_lazy("Cancel the bid")
    question = gettext_lazy(
        "The exchanger is told to cancel it. What you may have paid for it already does not come back by that."
    )
    button = gettext_lazy("Cancel this bid")
    style = "danger"
    success = gettext_lazy("It is being canceled. What becomes of it appears here by itself.")

    def perform(self, obj: Bid, form: Any) -> None:
        bid_acts.cancel(actor=self.request.user, bid=obj)


class BidPayView(_OfBid):
    permission = "payments.pay_bid"
    act = BidAct.Act.PAY
    title = gettext_lazy("We have paid")
    question = gettext_lazy(
        "The exchanger is told that we have paid. Say so only if we have: it looks for the money then."
    )
    button = gettext_lazy("Tell the exchanger")
    success = gettext_lazy("The exchanger is being told.")

    def perform(self, obj: Bid, form: Any) -> None:
        bid_acts.pay(actor=self.request.user, bid=obj)


class BidCompleteView(_OfBid):
    permission = "payments.complete_bid"
    act = BidAct.Act.COMPLETE
    form_class = CompleteForm
    title = gettext_lazy("Declare complete")
    question = gettext_lazy(
        "The exchanger takes this word in any state of the bid, and it is said only once. An approver must confirm it."
    )
    button = gettext_lazy("Ask for the confirmation")
    success = gettext_lazy("Asked. An approver must confirm it; then the exchanger is told, once.")

    def perform(self, obj: Bid, form: CompleteForm) -> None:
        bid_acts.complete(actor=self.request.user, bid=obj, note=form.cleaned_data["note"])


class BidWithdrawView(_OfBid):
    permission = "payments.withdraw_bidact"
    title = gettext_lazy("Take back")
    question = gettext_lazy("What was asked for and not sent yet is taken back.")
    style = "danger"
    success = gettext_lazy("Taken back. Nothing is sent.")

    def is_decided(self) -> bool:
        return not bid_acts.is_unsent(self.object)

    def perform(self, obj: Bid, form: Any) -> None:
        bid_acts.withdraw(actor=self.request.user, bid=obj)


# --- In doubt ---
class _DoubtView(_OfBid, DoubtView):
    template_name = "payments/bid_resolve.html"
    checks_template = "payments/bid_checks.html"

    def doubt(self) -> facts.Doubt:
        return facts.doubt(self.object, self.request.user)

    def ask(self) -> None:
        bids.ask_now(actor=self.request.user, bid=self.object)


class BidResolveView(_DoubtView):
    permission = "payments.resolve_bid"
    form_class = ResolveBidForm
    step = "resolve"
    title = gettext_lazy("Resolve the outcome")
    button = gettext_lazy("Decide")
    question = gettext_lazy(
        "“Complete” counts at once and is booked. “Refunded” and “failed” count when another approver confirms them."
    )

    def is_decided(self) -> bool:
        return not bid_decisions.in_doubt(self.object)

    def get_form(self, data: Any = None) -> ResolveBidForm:
        return ResolveBidForm(data, initial={"outcome": self.request.GET.get("outcome", "")})

    def perform(self, obj: Bid, form: ResolveBidForm) -> Any:
        outcome = form.cleaned_data["outcome"]
        bid_decisions.resolve(
            actor=self.request.user, bid=obj, outcome=outcome, note=form.cleaned_data["note"]
        )
        if outcome == Bid.Status.COMPLETE:
            return _("Closed as complete.")
        return _("Proposed. Another approver must confirm it.")


class BidConfirmView(SecondView, _DoubtView):
    """The second person: what is to be declared complete, or how a bid in doubt is said to have ended."""

    permission = "payments.confirm_bid"
    step = "confirm"
    template_name = "payments/bid_confirm.html"
    title = gettext_lazy("Confirm")
    button = gettext_lazy("Confirm")
    success = gettext_lazy("Confirmed.")

    def pending(self) -> Any:
        return bid_acts.awaiting(self.object) or bid_decisions.pending(self.object)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if "_check" not in request.POST and not request.POST.get(
            "seen"
        ):  # whoever confirms has read the page
            return self.get(request, *args, **kwargs)
        return super().post(request, *args, **kwargs)

    def perform(self, obj: Bid, form: Any) -> None:
        bid_decisions.confirm(actor=self.request.user, bid=obj, seen=self.request.POST["seen"])

    def context(self, **extra: Any) -> dict[str, Any]:
        bid: Bid = self.object
        act = bid_acts.awaiting(bid)
        if act is not None:
            act.bid = bid
            seen = bid_acts.bound(act)
            why_not = approvals.why_not_person(actor=self.request.user, requester=act.created_by)
        else:
            proposal = bid_decisions.pending(bid)
            seen = proposal.digest if proposal else ""
            why_not = bid_decisions.why_not(actor=self.request.user, bid=bid, step="confirm")
        return super().context(
            act=act,
            seen=seen,
            why_not=why_not,
            warnings=freeze.in_the_way(bid.account, refusal="") if act is not None else [],
            **extra,
        )
