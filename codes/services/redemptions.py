"""Redeeming somebody's code: requested by a person, sent once by a worker, never repeated by a machine.

bitloga's apply has no reference and no look-up (WIRE section 6, grade C): after a doubt only our balance gives evidence.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _

from backoffice import audit
from backoffice.kit import money, wake
from backoffice.permissions import guarded
from codes.models import Voucher
from payments.models import Balance, Movement, ProviderAccount, Reference
from payments.providers.base import VoucherRequest
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
from payments.services import balances, calls, references, schedule
from payments.services.failpoints import hit

from . import voucher_fields, voucher_reports
from . import voucher_states as states

Status = Voucher.Status
Way = audit.Way
OPERATION = "code.apply"
WRONG_PASSWORD = "wrong_password"  # noqa: S105 (a reason of providers.errors)
TRIES, TRIES_WITHIN = 5, dt.timedelta(minutes=10)
WAITS_AT_MOST = dt.timedelta(hours=24)


# --- Asking for it ---
@guarded("codes.redeem_voucher")
def redeem(
    *, actor: Any, account: ProviderAccount, code: str, password: str = "", form_token: UUID | None = None
) -> Voucher:
    """Let a worker redeem this code to the account's balance. The same form (actor and token) twice gives the same row.

    Raises ValidationError at `code` or `pass`: being redeemed already, redeemed here, in doubt, or too many wrong
    passwords (five in ten minutes per code, whoever tried; the provider is not asked then).
    """
    earlier = _by_token(actor, form_token)
    if earlier is not None:
        return earlier
    code, password = code.strip(), password.strip()
    voucher_fields.check_code(account=account, code=code, password=password)
    hit("F0")
    try:
        with transaction.atomic(durable=True):
            _one_at_a_time(code)
            earlier = _by_token(actor, form_token)  # the same form, pressed twice: it waited for itself
            if earlier is not None:
                return earlier
            _check_known(code)  # first: what ends after this look is counted by the next
            _check_tries(code)
            voucher = Voucher.objects.create(
                reference=references.take(account=account, kind=Reference.Kind.VOUCHER),
                account=account,
                direction=Voucher.Direction.RECEIVED,
                status=Status.REDEEMING,
                created_by=actor,
                form_token=form_token,
                code=code,
                password=password,
                has_password=bool(password),
                next_check_at=Now(),
            )
            audit.record(actor, "voucher.redeeming", voucher, **voucher_fields.facts(voucher))
            transaction.on_commit(lambda: hit("F1"))
            wake.later("codes.submit_voucher", voucher.pk)
            wake.later("backoffice.index_object", "voucher", voucher.pk)
    except IntegrityError:
        earlier = _by_token(actor, form_token)
        if earlier is None:
            raise
        return earlier
    return voucher


def _by_token(actor: Any, form_token: UUID | None) -> Voucher | None:
    if form_token is None:
        return None
    return Voucher.objects.filter(created_by=actor, form_token=form_token).first()


def _one_at_a_time(code: str) -> None:
    """Whoever asks about this code holds it until the transaction ends, whatever the account."""
    digest = voucher_reports.digests(code)[
        -1
    ]  # under the oldest key, which all processes have while keys rotate
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [digest])


def _received(code: str) -> Any:
    return Voucher.objects.filter(
        direction=Voucher.Direction.RECEIVED, code_digest__in=voucher_reports.digests(code)
    )


def _check_tries(code: str) -> None:
    """Refuse before the provider is asked, so that nobody tries passwords through us."""
    wrong = _received(code).filter(
        status=Status.FAILED, refusal=WRONG_PASSWORD, ended_at__gt=timezone.now() - TRIES_WITHIN
    )
    ends = list(wrong.order_by("-ended_at").values_list("ended_at", flat=True)[:TRIES])
    if len(ends) == TRIES:
        minutes = int((ends[-1] + TRIES_WITHIN - timezone.now()).total_seconds() // 60) + 1
        raise ValidationError(
            {
                "pass": _(
                    "Five wrong passwords were tried for this code. Try again in %(minutes)s min; "
                    "until then the provider is not asked."
                )
                % {"minutes": minutes}
            }
        )


def _check_known(code: str) -> None:
    known = _received(code).exclude(status__in=Voucher.NOTHING).select_related("reference").first()
    if known is None:
        return
    words = {
        Status.REDEEMED: _("This code was redeemed here already:"),
        Status.UNKNOWN: _("This code was sent already, and what became of it is not known yet:"),
    }.get(Status(known.status), _("This code is being redeemed in this moment:"))
    link = format_html(
        '{} <a href="{}">{}</a>', words, reverse("codes:voucher", args=[known.pk]), known.reference.value
    )
    raise ValidationError({"code": link})


# --- Sending it ---
def run(*, voucher_id: int) -> None:
    """Send a code once, or take note that an earlier worker may have sent it."""
    with transaction.atomic(durable=True):
        fence = schedule.claim(Voucher, voucher_id, status=Status.REDEEMING)
        if fence is None:
            return
        voucher = states.lock(voucher_id)
        if calls.may_have_left(voucher.reference, OPERATION):
            # An earlier worker died or was cut off in the middle: a person decides, nothing is sent again.
            hit("F13")
            _doubt(voucher_id, fence, _("The attempt was interrupted."), Way.SYSTEM)
            return
    try:
        _look_before(voucher, fence)
        report = _apply(voucher, fence)
    except (Unavailable, RateLimited, Denied) as error:
        states.not_sent(voucher_id=voucher_id, fence=fence, status=Status.REDEEMING, error=error)
    except (Refused, Invalid, NotSupported) as error:
        _refused(voucher_id, fence, error)
    except OutcomeUnknown as error:
        words = _("Its answer did not come, or cannot be read.")
        _doubt(
            voucher_id,
            fence,
            f"{words} ({error.provider_message})" if error.provider_message else words,
            Way.REPLY,
        )
    else:
        hit("F9")
        voucher_reports.redeemed(voucher_id=voucher_id, report=report, way=Way.REPLY)
        hit("F10")


def _apply(voucher: Voucher, fence: int) -> Any:
    def guard() -> None:
        if voucher_fields.may_redeem(ProviderAccount.objects.get(pk=voucher.account_id)):
            raise Unavailable("may not redeem")
        if not schedule.holds(Voucher, voucher.pk, fence, status=Status.REDEEMING):
            raise Unavailable("claim lost")
        Voucher.objects.filter(pk=voucher.pk).update(sent_at=timezone.now())

    client = calls.client(
        voucher.account, reference=voucher.reference, priority="money", guard=guard, fence=fence
    )
    password = {"pass": voucher.password} if voucher.password else {}
    return client.redeem_code(VoucherRequest(fields={"code": voucher.code, **password}))


def _doubt(pk: int, fence: int, error: str, way: str) -> None:
    states.doubt(voucher_id=pk, fence=fence, status=Status.REDEEMING, error=error, way=way)


def _refused(pk: int, fence: int, error: ProviderError) -> None:
    states.fail(voucher_id=pk, fence=fence, status=Status.REDEEMING, error=error, way=Way.REPLY)


# --- The evidence: our balance before and after ---
def _look_before(voucher: Voucher, fence: int) -> None:
    """Keep what the balances are right before the code is sent. Raises Unavailable, RateLimited or Denied."""
    try:
        found, asked_at = _ask(voucher, "money")
    except (Refused, Invalid, NotSupported, OutcomeUnknown):
        # It answers, though not to this: what it stated last is the evidence then.
        rows = Balance.objects.filter(account=voucher.account, stated__isnull=False)
        found = {row.currency: row.stated or Decimal(0) for row in rows}
        asked_at = min((row.asked_at for row in rows if row.asked_at), default=timezone.now())
    # Whoever slept through its lease must not put what came after in the place of what was before.
    Voucher.objects.filter(pk=voucher.pk, fence=fence, status=Status.REDEEMING).update(
        balances_before=_plain(found), balances_before_at=asked_at
    )


def _ask(voucher: Voucher, priority: str) -> tuple[dict[str, Decimal], dt.datetime]:
    asked_at = timezone.now()
    client = calls.client(voucher.account, reference=voucher.reference, priority=priority)
    found = dict(client.balances().balances)
    balances.keep(account=voucher.account, balances=found, asked_at=asked_at)
    return found, asked_at


def _plain(found: dict[str, Decimal]) -> dict[str, str]:
    return {currency: money.plain(amount) for currency, amount in sorted(found.items())}


def look_after(*, voucher: Voucher, priority: str) -> Voucher:
    """Ask for the balances after a doubt. Raises ProviderError; the row then says so and stays."""
    asked_at = timezone.now()
    try:
        hit("F12")
        found, asked_at = _ask(voucher, priority)
    except ProviderError as error:
        voucher_reports.not_answered(voucher_id=voucher.pk, error=error, asked_at=asked_at)
        raise
    with transaction.atomic():
        locked = states.lock(voucher.pk)
        locked.balances_after, locked.balances_after_at = _plain(found), asked_at
        locked.checked_at = asked_at
        locked.next_check_at = _next_look(locked, asked_at)
        locked.version += 1
        locked.save(
            update_fields=[
                *("balances_after", "balances_after_at", "checked_at", "next_check_at"),
                *("version", "updated_at"),
            ]
        )
    return locked


def _next_look(voucher: Voucher, asked_at: dt.datetime) -> dt.datetime | None:
    """One more look when it cannot arrive any more; afterwards only people ask."""
    if voucher.status != Status.UNKNOWN:
        return None
    settled = (voucher.sent_at or voucher.created_at) + dt.timedelta(seconds=settings.SETTLE_SECONDS)
    return settled if asked_at < settled else None


def evidence(voucher: Voucher) -> list[dict[str, Any]]:
    """One line per currency: before, after, what we booked between, and the rest that only this code explains (or
    somebody else's doing). Empty until both balances are known.
    """
    if voucher.balances_before_at is None or voucher.balances_after_at is None:
        return []
    lines = []
    for currency in sorted(voucher.balances_before.keys() | voucher.balances_after.keys()):
        before = money.read(voucher.balances_before.get(currency, "0"))
        after = money.read(voucher.balances_after.get(currency, "0"))
        booked = Movement.objects.filter(
            account=voucher.account,
            currency=currency,
            on_balance=True,
            booked_at__gte=voucher.balances_before_at,
            booked_at__lt=voucher.balances_after_at,
        ).exclude(reference=voucher.reference).aggregate(total=Sum("amount"))["total"] or Decimal(0)
        lines.append(
            {
                "currency": currency,
                "before": before,
                "after": after,
                "booked": booked,
                "rest": after - before - booked,
            }
        )
    return lines


# --- Taking it back ---
def take_back(voucher: Voucher, *, way: str, actor: Any = None) -> None:
    """Cancel a locked one that was never sent. Raises ValidationError if it may have left."""
    if calls.may_have_left(voucher.reference, OPERATION) or voucher.is_in_hand:
        raise ValidationError(_("It is being sent or was sent, so it cannot be taken back any more."))
    states.move(voucher, Status.CANCELED, way=way, actor=actor, password="")


def expire() -> int:
    """Give up on codes that could not be sent for a day: a person should type them again. Gives how many."""
    count = 0
    late = Voucher.objects.filter(
        status=Status.REDEEMING, created_at__lte=timezone.now() - WAITS_AT_MOST
    ).values_list("pk", flat=True)[:500]
    for pk in list(late):
        with transaction.atomic():
            locked = states.lock(pk)
            if (
                locked.status == Status.REDEEMING
                and not locked.is_in_hand
                and not calls.may_have_left(locked.reference, OPERATION)
            ):
                take_back(locked, way=Way.CLOCK)
                count += 1
    return count
