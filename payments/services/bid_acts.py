"""What people have the exchanger do with a bid: cancel it, be told that we have paid, declare it complete. Deals floor.

Each is written down first and sent once by a worker. “Complete” needs a second person and is never repeated: the
exchanger takes it in any state of the bid.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice import audit
from backoffice.kit import money, wake
from backoffice.permissions import APPROVER, guarded, roles
from payments.models import Approval, Bid, BidAct, ProviderAccount
from payments.providers.bids import BidStateReport
from payments.providers.errors import (
    Denied,
    Invalid,
    NotSupported,
    OutcomeUnknown,
    ProviderError,
    RateLimited,
    Refused,
    Unavailable,
)

from . import accounts, approvals, bid_fields, bid_reports, calls, freeze, schedule
from .failpoints import hit

log = structlog.get_logger(__name__)
Act, State = BidAct.Act, BidAct.Status
Way = audit.Way
OPERATIONS = {Act.CANCEL: "cancel_bid", Act.PAY: "pay_bid", Act.COMPLETE: "success_bid"}
SENDS = (State.ASKED, State.SENDING)
UNSENT = (State.AWAITING, State.ASKED)
FENCES = 1000  # per act of one bid, so that no attempt of one is taken for another's
UNSENT_LIFETIME = dt.timedelta(minutes=15)
AWAITING_LIFETIME = dt.timedelta(days=7)


# --- What may be done ---
def why_not(*, bid: Bid, act: str) -> str:
    """Why this cannot be done with the bid now, as a sentence; "" if it can. Reads only."""
    if refusal := _bars(bid, act):
        return refusal
    if not Bid._meta.get_field("handle").is_set(bid):
        return _("The exchanger’s handle of this bid is not known.")
    if act == Act.CANCEL and not bid.actions.get("can_cancel"):
        return _("The exchanger does not let this bid be canceled from here.")
    if act == Act.PAY and not bid.actions.get("can_pay"):
        return _("The exchanger does not take a word about the payment from here.")
    acts = BidAct.objects.filter(bid=bid)
    if acts.filter(status__in=BidAct.OPEN).exists():
        return _("Something else is being done with this bid at the moment.")
    if act == Act.COMPLETE:
        return _not_again(acts)
    if acts.filter(act=act, status=State.DONE).exists():
        return _("The exchanger was told this already.")
    return _too_soon(acts.filter(act=act))


def _not_again(acts: Any) -> str:
    if acts.filter(act=Act.COMPLETE, status__in=[State.DONE, State.UNKNOWN]).exists():
        return _("The exchanger was told already that this bid is complete. That is never said twice.")
    return ""


def _too_soon(acts: Any) -> str:
    """The exchanger may be told a second time, by a person, once the first word cannot arrive any more."""
    last = acts.filter(status=State.UNKNOWN).order_by("-pk").first()
    if last is None or last.sent_at is None:
        return ""
    settle = dt.timedelta(seconds=settings.SETTLE_SECONDS)
    if timezone.now() - last.sent_at < settle:
        return _("The last time is in doubt and may still arrive. Wait a few minutes.")
    return ""


# --- Asking for it ---
@guarded("payments.cancel_bid")
def cancel(*, actor: Any, bid: Bid) -> BidAct:
    """Have the exchanger cancel the bid, where it says that this can be done. Raises ValidationError."""
    return _ask(actor, bid, Act.CANCEL)


@guarded("payments.pay_bid")
def pay(*, actor: Any, bid: Bid) -> BidAct:
    """Tell the exchanger that we have paid. Moves no money. Raises ValidationError."""
    return _ask(actor, bid, Act.PAY)


@guarded("payments.complete_bid")
def complete(*, actor: Any, bid: Bid, note: str = "") -> BidAct:
    """Ask that the bid be declared complete; an approver must confirm it. Raises ValidationError."""
    note = (note or "").strip()
    if not note:
        raise ValidationError({"note": _("Write why it is complete, and where you saw that.")})
    return _ask(actor, bid, Act.COMPLETE, status=State.AWAITING, note=note)


def _ask(actor: Any, bid: Bid, act: str, *, status: str = State.ASKED, note: str = "") -> BidAct:
    with transaction.atomic():
        locked = bid_reports.lock(bid.pk)
        if refusal := why_not(bid=locked, act=act):
            raise ValidationError(refusal)
        made = BidAct.objects.create(
            bid=locked,
            account=locked.account,
            act=act,
            status=status,
            created_by=actor,
            note=note,
            next_check_at=timezone.now(),
            fence=FENCES * (1 + _last_fence(BidAct.objects.filter(bid=locked)) // FENCES),
        )
        Bid.objects.filter(pk=locked.pk).update(**schedule.bump())
        audit.record(actor, f"bid.{act}_{status}", locked, note=note)
        if status == State.ASKED:
            wake.later("payments.submit_bid_act", made.pk)
    return made


def _last_fence(acts: Any) -> int:
    return acts.aggregate(last=Max("fence"))["last"] or 0


# --- The second person ---
def bound(act: BidAct) -> str:
    """The digest of what would be declared now: which bid, with which numbers, at which address."""
    bid = act.bid
    payload = {
        "operation": OPERATIONS[Act(act.act)],
        "bid": bid.provider_id,
        "hash": bid.handle,
        "give": f"{bid.answer.get('amount_give', '')} {bid.give_currency}",
        "get": f"{bid.answer.get('amount_get', '')} {bid.get_currency}",
        "act": act.pk,
    }
    give = bid.amount_give if bid.amount_give is not None else bid.expected_give
    return approvals.digest(
        reference=bid.reference,
        account=bid.account,
        payload=payload,
        max_debit=money.read(give) if give is not None else money.read(0),
    )


def awaiting(bid: Bid) -> BidAct | None:
    """What waits for a second person, if something does."""
    return BidAct.objects.select_related("created_by").filter(bid=bid, status=State.AWAITING).first()


@guarded("payments.confirm_bid")
def confirm(*, actor: Any, bid: Bid, seen: str = "") -> BidAct:
    """The second person's yes to “complete”: it is sent once.

    Raises ValidationError (own request, role given by the requester, not what was seen, not possible any more).
    """
    with transaction.atomic():
        locked = bid_reports.lock(bid.pk)
        act = _locked_act(locked, State.AWAITING)
        if act is None:
            raise ValidationError(_("Nothing waits for a confirmation here."))
        approvals.check_person(actor=actor, requester=act.created_by)
        if locked.created_by_id is not None:
            approvals.check_person(actor=actor, requester=locked.created_by)
        if refusal := _bars(locked, act.act):
            raise ValidationError(refusal)
        digest = bound(act)
        if seen and seen != digest:
            raise ValidationError(_("Something has changed since you opened this page. Read it again."))
        approvals.grant(
            reference=locked.reference, step=Approval.Step.COMPLETE, digest=digest, approver=actor
        )
        bid_reports.move_act(
            act, State.ASKED, actor=actor, way=Way.STAFF, confirmed_by=actor, next_check_at=timezone.now()
        )
        wake.later("payments.submit_bid_act", act.pk)
    return act


def _bars(bid: Bid, act: str) -> str:
    """Why the state of the bid bars this. What is held may be canceled: a bad rate is best taken back there."""
    if refusal := bid_fields.may_exchange(bid.account):
        return refusal
    if act == Act.COMPLETE and (refusal := accounts.why_no_money_out(bid.account)):
        return refusal
    held = bid.reference.held_at is not None
    if act == Act.CANCEL and held and bid.status == Bid.Status.UNKNOWN and bid.provider_id:
        return ""
    if held and act != Act.CANCEL:
        return _("This is held. Somebody must look at it first.")
    if bid.status not in Bid.LIVE:
        return _("This is not possible in the state that the bid is in.")
    return ""


def _locked_act(bid: Bid, *states: str) -> BidAct | None:
    found = BidAct.objects.select_for_update(of=("self",)).filter(bid=bid, status__in=states).first()
    if found is not None:
        found.bid = bid
    return found


def is_unsent(bid: Bid) -> bool:
    """Whether something was asked for and not sent yet, so that it can be taken back."""
    return BidAct.objects.filter(bid=bid, status__in=UNSENT).exists()


@guarded("payments.withdraw_bidact")
def withdraw(*, actor: Any, bid: Bid) -> BidAct:
    """Take back what has not been sent: the person who asked for it, or an approver.

    Raises ValidationError or PermissionDenied.
    """
    with transaction.atomic():
        locked = bid_reports.lock(bid.pk)
        act = _locked_act(locked, *UNSENT)
        if act is None:
            raise ValidationError(_("There is nothing that could be taken back."))
        if act.created_by_id != actor.pk and APPROVER not in roles(actor):
            raise PermissionDenied(_("Only who asked for it or an approver may take it back."))
        _drop(act, _("Taken back."), actor=actor, way=Way.STAFF)
    return act


def _drop(act: BidAct, why: str, *, actor: Any = None, way: str = Way.CLOCK) -> None:
    if act.act == Act.COMPLETE:
        approvals.void(reference=act.bid.reference, reason=why, step=Approval.Step.COMPLETE)
    bid_reports.move_act(act, State.DROPPED, actor=actor, way=way, last_error=why[:300], next_check_at=None)


# --- Sending ---
def submit(*, act_id: int) -> None:
    """Send one act once, or find out what became of an interrupted attempt. Called by workers.

    Harmless when called twice, late or in parallel. Never sends what may have left.
    """
    act = BidAct.objects.filter(pk=act_id).values("status").get()
    if act["status"] == State.SENDING:
        _recover(act_id)
    elif act["status"] == State.ASKED:
        claimed = _claim(act_id)
        if claimed is not None:
            _send(claimed)


def _claim(act_id: int) -> BidAct | None:
    with transaction.atomic(durable=True):
        bid_id = BidAct.objects.values_list("bid_id", flat=True).get(pk=act_id)
        bid = bid_reports.lock(bid_id)
        fence = schedule.claim(BidAct, act_id, status=State.ASKED)
        if fence is None:
            return None
        act = BidAct.objects.get(pk=act_id)
        act.bid = bid
        if act.act == Act.COMPLETE:
            refusal = accounts.why_no_money_out(bid.account)
            if refusal or freeze.stops(bid.account_id):
                _wait(act, fence, refusal or _("Sending is frozen."))
                return None
            if why := approvals.why_not(
                reference=bid.reference, digest=bound(act), step=Approval.Step.COMPLETE
            ):
                _back(act, why)
                return None
        if refusal := _bars(bid, act.act):
            _drop(act, refusal, way=Way.SYSTEM)
            return None
        bid_reports.move_act(
            act,
            State.SENDING,
            sent_at=timezone.now(),
            next_check_at=timezone.now() + dt.timedelta(seconds=1),
        )
    return act


def _wait(act: BidAct, fence: int, why: str) -> None:
    again = timezone.now() + dt.timedelta(seconds=5)
    schedule.unclaim(BidAct, act.pk, fence, last_error=why[:300], next_check_at=again)


def _back(act: BidAct, why: str) -> None:
    """The confirmation does not hold any more: a second person must look again."""
    approvals.void(reference=act.bid.reference, reason=why, step=Approval.Step.COMPLETE)
    bid_reports.move_act(act, State.AWAITING, last_error=why[:300], confirmed_by=None, next_check_at=None)


def _send(act: BidAct) -> None:
    bid, fence = act.bid, act.fence

    def guard() -> None:
        if act.act == Act.COMPLETE:
            freeze.check(bid.account_id)
            if accounts.why_no_money_out(ProviderAccount.objects.get(pk=bid.account_id)):
                raise Unavailable(
                    "no money out", staff=gettext_noop("This account may not send money any more.")
                )
            if approvals.why_not(reference=bid.reference, digest=bound(act), step=Approval.Step.COMPLETE):
                raise Unavailable(
                    "not confirmed", staff=gettext_noop("The confirmation does not hold any more.")
                )
        if not schedule.holds(BidAct, act.pk, fence, status=State.SENDING):
            raise Unavailable("claim lost", staff=gettext_noop("Another worker has taken this over."))

    try:
        client = calls.client(
            bid.account, reference=bid.reference, priority="money", guard=guard, fence=fence
        )
        report = _call(client, act)
    except (Unavailable, RateLimited, Denied) as error:
        _end(act, State.ASKED, error=error)
    except (Refused, Invalid, NotSupported) as error:
        _end(act, State.REFUSED, error=error)
    except OutcomeUnknown as error:
        _end(act, State.UNKNOWN, error=error)
    else:
        hit("F9")
        _end(act, State.DONE, report=report)
        hit("F10")


def _call(client: Any, act: BidAct) -> BidStateReport:
    handle = act.bid.handle
    if act.act == Act.CANCEL:
        return client.cancel_bid(handle)
    if act.act == Act.PAY:
        return client.pay_bid(handle)
    return client.complete_bid(handle)


def _end(
    act: BidAct, status: str, *, error: ProviderError | None = None, report: BidStateReport | None = None
) -> None:
    """Store how it ended, and let the bid be asked about at once: only that tells what it became."""
    with transaction.atomic():
        bid = bid_reports.lock(act.bid_id)
        locked = BidAct.objects.select_for_update(of=("self",)).get(pk=act.pk)
        locked.bid = bid
        ours = locked.status == State.SENDING and locked.fence == act.fence
        if not ours and not (locked.status == State.UNKNOWN and status == State.DONE):
            return
        if status == State.UNKNOWN and bid.status in bid_reports.SHOWS_DONE[Act(locked.act)]:
            status, error = State.DONE, None  # the bid shows it already: somebody asked meanwhile
        changes: dict[str, Any] = {"last_error": calls.explain(error)[:300] if error else ""}
        if report is not None:
            changes["provider_status"] = report.provider_status[:64]
        changes["next_check_at"] = None
        if status == State.ASKED:
            failures = locked.check_failures + 1
            changes |= {
                "check_failures": failures,
                "next_check_at": schedule.after_failures(failures),
            }
        if status != State.ASKED and locked.act == Act.COMPLETE:
            approval = approvals.find(reference=bid.reference, step=Approval.Step.COMPLETE)
            if approval is not None:
                approvals.use(approval)
        bid_reports.move_act(locked, status, way=Way.REPLY if report else Way.SYSTEM, **changes)
        if status != State.ASKED and bid.status not in Bid.FINAL:
            Bid.objects.filter(pk=bid.pk).update(next_check_at=timezone.now())
            wake.later("payments.refresh_bid", bid.pk)


def _recover(act_id: int) -> None:
    """A worker vanished in the middle: by the attempts of this act we know whether bytes may have left."""
    with transaction.atomic(durable=True):
        bid = bid_reports.lock(BidAct.objects.values_list("bid_id", flat=True).get(pk=act_id))
        if schedule.claim(BidAct, act_id, status=State.SENDING) is None:
            return
        hit("F13")
        act = BidAct.objects.get(pk=act_id)
        before = _last_fence(BidAct.objects.filter(bid=bid, pk__lt=act_id))
        if calls.may_have_left(bid.reference, OPERATIONS[Act(act.act)], after=before):
            _end(act, State.UNKNOWN, error=OutcomeUnknown("interrupted"))
        else:
            error = Unavailable(
                "interrupted", staff=gettext_noop("The attempt was interrupted before anything was sent.")
            )
            _end(act, State.ASKED, error=error)


# --- The clock ---
def run_due(*, limit: int = 50) -> int:
    """Send what waits without a worker, and drop what is too old. Gives how many were touched."""
    count = 0
    for pk in schedule.stuck(BidAct, SENDS, limit):
        try:
            submit(act_id=pk)
        except Exception:
            log.exception("bid_act.failed", id=pk)
        count += 1
    return count + expire()


def expire() -> int:
    """Drop acts that could not be sent for 15 minutes, or that nobody has confirmed for 7 days. Gives how many."""
    now = timezone.now()
    late = BidAct.objects.filter(status=State.ASKED, created_at__lte=now - UNSENT_LIFETIME).exclude(
        act=Act.COMPLETE
    )
    stale = BidAct.objects.filter(status=State.AWAITING, created_at__lte=now - AWAITING_LIFETIME)
    count = 0
    for pk, bid_id in list((late | stale).values_list("pk", "bid_id")[:500]):
        with transaction.atomic():
            bid = bid_reports.lock(bid_id)
            act = _locked_act(bid, State.ASKED, State.AWAITING)
            if act is not None and act.pk == pk:
                _drop(act, _("It could not be sent in time."))
                count += 1
    return count
