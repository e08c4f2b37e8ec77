"""The pages of exchange bids: the list, one of them, asking about it. Rules are the services'."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.kit.timeline import flat
from backoffice.kit.views import (
    Action,
    ActionView,
    BulkAction,
    BulkActionView,
    DetailView,
    ListView,
    PageAction,
    StaffView,
)
from payments.filters.bids import BidFilters
from payments.models import Bid, BidAct, BidStatus, ExceptionItem, Movement
from payments.services import bid_acts, bid_decisions, bids
from payments.tables import provider_words
from payments.tables.bids import ActTable, BidTable, HistoryTable

from . import bid_facts as facts
from .references import RELEASE

Status = Bid.Status
CREATE = "payments.create_bid"


def is_askable(bid: Bid) -> bool:
    """Whether the exchanger can be asked about it."""
    return bid.status != Status.CREATING and not (bid.status in Bid.FINAL and not bid.provider_id)


class BidListView(ListView):
    model = Bid
    table_class = BidTable
    filterset_class = BidFilters
    select_related = ("account", "reference")
    page_actions = (
        PageAction(
            gettext_lazy("Made elsewhere"), "payments:bid_import_list", "payments.view_bid", "folder-input"
        ),
        PageAction(gettext_lazy("New bid"), "payments:bid_start", CREATE, "plus", style="primary"),
    )
    bulk_actions = (
        BulkAction(
            gettext_lazy("Check now"),
            "payments:bid_bulk_refresh",
            "payments.refresh_bid",
            "refresh-cw",
            when=lambda bid, _user: is_askable(bid),
        ),
    )
    live = 2
    template_name = "payments/bid_list.html"


class BidStartView(StaffView):
    """A bid begins on the board: there the rates are compared."""

    permission = CREATE

    def get(self, request: HttpRequest) -> HttpResponseBase:
        messages.info(
            request,
            _(
                "A bid begins with a direction: compare the rates here, open one, then press “New bid” on its page."
            ),
        )
        return redirect("payments:direction_list")


# --- One bid ---
def _act(act: str) -> Any:
    """Whether an act makes sense for a bid now."""
    return lambda bid: bid.status not in Bid.FINAL and not bid_acts.why_not(bid=bid, act=act)


class BidDetailView(DetailView):
    model = Bid
    select_related = ("account__health", "reference", "created_by", "destination", "direction")
    list_url_name = "payments:bid_list"
    watches = ("checked_at", "next_check_at")  # the page says when
    actions = (
        Action(
            gettext_lazy("Check now"),
            "payments:bid_refresh",
            "payments.refresh_bid",
            "refresh-cw",
            when=is_askable,
        ),
        RELEASE,
        Action(
            gettext_lazy("Cancel it"),
            "payments:bid_cancel",
            "payments.cancel_bid",
            "ban",
            style="danger",
            confirm=True,
            when=_act(BidAct.Act.CANCEL),
        ),
        Action(
            gettext_lazy("We have paid"),
            "payments:bid_pay",
            "payments.pay_bid",
            "hand-coins",
            confirm=True,
            when=_act(BidAct.Act.PAY),
        ),
        Action(
            gettext_lazy("Declare complete"),
            "payments:bid_complete",
            "payments.complete_bid",
            "circle-check",
            confirm=True,
            when=_act(BidAct.Act.COMPLETE),
        ),
        Action(
            gettext_lazy("Take back"),
            "payments:bid_withdraw",
            "payments.withdraw_bidact",
            "undo-2",
            confirm=True,
            when=bid_acts.is_unsent,
        ),
        Action(
            gettext_lazy("Read and confirm"),
            "payments:bid_confirm",
            "payments.confirm_bid",
            "badge-check",
            style="primary",
            confirm=True,
            when=lambda bid: bid_acts.awaiting(bid) is not None,
        ),
    )

    def watched(self, obj: Bid) -> list[Any]:
        """Also acts, decisions and history: the page shows them."""
        decided = obj.reference.approvals.order_by("-pk").values_list("pk", "used_at", "voided_at").first()
        ticks = time.time() // 20 if bid_decisions.in_doubt(obj) else 0  # the page says how long still
        return [decided, ticks, list(obj.acts.values_list("pk", "status")), obj.history.count()]

    def _again(self) -> str:
        """Where the form of a refused bid can be corrected; "" where there is none, or this person may not."""
        bid: Bid = self.object
        if bid.status != Status.CANCELED or bid.provider_id or bid.direction is None or not self.may(CREATE):
            return ""
        return f"{reverse('payments:bid_create', args=[bid.direction_id])}?again={bid.pk}"

    def context(self, **extra: Any) -> dict[str, Any]:
        bid: Bid = self.object
        items = list(
            ExceptionItem.objects.filter(
                reference_id=bid.reference_id, status=ExceptionItem.Status.OPEN
            ).order_by("opened_at")
        )
        holds = [item for item in items if item.kind == ExceptionItem.Kind.HOLD]
        in_doubt = bid_decisions.in_doubt(bid)
        acts = bid.acts.select_related("created_by", "confirmed_by")
        awaiting = bid_acts.awaiting(bid)
        history = _history(bid)
        context = super().context(
            is_final=bid.status in Bid.FINAL,
            is_live=bid.status in Bid.LIVE,
            is_mine=bid.created_by_id == self.request.user.pk,
            again=self._again(),
            errors=[(_label(bid, name), sentence) for name, sentence in bid.errors.items()],
            pay=facts.how_to_pay(bid, with_links=self.may("payments.refresh_bid")),
            compared=facts.compared(bid),
            quote_lines=facts.quote_lines(bid),
            asked_amount=facts.sent_amount(bid),
            acts=ActTable(acts, request=self.request) if acts else None,
            awaiting=awaiting,
            awaiting_is_mine=awaiting is not None and awaiting.created_by_id == self.request.user.pk,
            history=HistoryTable(history, request=self.request) if history else None,
            attempts=facts.attempts(bid),
            word=provider_words.of_bid(bid.account.provider, bid.provider_status),
            approvals=list(bid.reference.approvals.select_related("approver").order_by("created_at", "pk")),
            is_sent=True,
            movements=Movement.objects.filter(reference_id=bid.reference_id).order_by("booked_at", "id"),
            doubt=facts.doubt(bid, self.request.user) if in_doubt else None,
            evidence=[line for item in holds for line in flat(item.facts)],
            items=[item for item in items if item.kind != ExceptionItem.Kind.HOLD],
            may_see_calls=self.may("payments.view_providercall"),
            may_resolve=self.may("payments.resolve_bid"),
            may_confirm=self.may("payments.confirm_bid"),
            may_refresh=self.may("payments.refresh_bid"),
            **extra,
        )
        if in_doubt:  # there it stands with the evidence
            context["offers"] = [
                offer for offer in context["offers"] if offer.action.url_name != "payments:bid_refresh"
            ]
        return context


def _history(bid: Bid) -> list[BidStatus]:
    """What the exchanger told, in its order, with the time at which we first saw each word; between them what we saw of
    which it told nothing. The oldest first. A told line that we never saw by ourselves came with the next one.
    """
    lines = list(bid.history.all())
    seen = [line for line in lines if not line.is_told]
    shown: list[BidStatus] = []
    for line in (line for line in lines if line.is_told):
        ours = next((one for one in seen if one.provider_status == line.provider_status), None)
        if ours is not None:
            at = seen.index(ours)
            shown += seen[:at]
            del seen[: at + 1]
            line.seen_at = ours.seen_at
        shown.append(line)
    shown += seen
    for line, later in reversed(list(pairwise(shown))):
        line.seen_at = min(line.seen_at, later.seen_at)
    return shown


def _label(bid: Bid, name: str) -> str:
    labels = {line[0]: line[1] for line in bid.fields}
    return labels.get(name, _("Amount") if name == "calc_amount" else name)


class BidRefreshView(ActionView):
    model = Bid
    permission = "payments.refresh_bid"
    title = gettext_lazy("Check now")
    question = gettext_lazy("Ask the exchanger what became of this bid?")
    success = gettext_lazy("The exchanger is being asked. The answer appears here by itself.")

    def perform(self, obj: Bid, form: Any) -> None:
        bids.ask_now(actor=self.request.user, bid=obj)

    def get_success_url(self) -> str:
        asked = "?asked" if self.request.method == "POST" else ""
        return f"{super().get_success_url()}{asked}"


class BidBulkRefreshView(BulkActionView):
    """Ask the exchangers about many at once. A worker does it, within each account's rate limit."""

    model = Bid
    permission = "payments.refresh_bid"
    select_related = ("reference", "account")
    ordering = ("created_at", "id")
    list_url_name = "payments:bid_list"
    title = gettext_lazy("Check bids now")
    button = gettext_lazy("Ask the exchangers about the ticked")
    icon = "refresh-cw"
    done = gettext_lazy("Is being asked about")

    def refusals(self, rows: list[Bid]) -> dict[Any, str]:
        return {one.pk: _("There is nothing to ask about.") for one in rows if not is_askable(one)}

    def perform(self, obj: Bid, form: Any) -> None:
        bids.ask_now(actor=self.request.user, bid=obj)
