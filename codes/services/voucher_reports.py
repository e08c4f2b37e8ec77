"""What the provider's answers mean for a voucher: a new code, a line of its list, a redeemed code.

Every way in ends here and goes on through voucher_states.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice import audit
from backoffice.kit import html, money, wake
from backoffice.kit.fields import keyed_digests
from codes.models import Voucher
from codes.models.vouchers import spelled
from payments.models import ExceptionItem, ProviderAccount, Reference
from payments.providers.base import VoucherReport
from payments.providers.errors import Denied, OutcomeUnknown, ProviderError, Refused
from payments.providers.redaction import mask_cards
from payments.services import calls, exceptions, references, schedule

from . import voucher_states as states

Status = Voucher.Status
Kind = ExceptionItem.Kind
Way = audit.Way
PURPOSE = "voucher code"
OURS = re.compile(r"(\d{18})(?!\d)", re.ASCII)


def digests(code: str) -> list[str]:
    """What to look a code up by: the keyed digest of its one spelling under every key of the ring."""
    return keyed_digests(spelled(code), PURPOSE)


def named(report: VoucherReport) -> str:
    """Our reference at the head of its description; "" when there is none."""
    match = OURS.match(report.description.strip())
    return match[1] if match else ""


# --- Made ---
@transaction.atomic
def made(*, voucher_id: int, report: VoucherReport, way: str) -> Voucher:
    """The provider answered with a new code: keep it, book it, owe it. Safe to repeat, and never loses a code."""
    voucher = states.lock(voucher_id)
    if voucher.code_digest in digests(report.code):
        return voucher
    if voucher.status not in (Status.CREATING, Status.UNKNOWN) or voucher.has_code:
        _second_code(voucher, report, way)
        return voucher
    amount = voucher.amount or Decimal(0)
    states.book_made(voucher, amount=amount, way=way, label=gettext_noop("as asked for"))
    states.move(voucher, Status.ACTIVE, way=way, code=report.code, check_failures=0, last_error="")
    return voucher


def _second_code(voucher: Voucher, report: VoucherReport, way: str) -> None:
    """A code carries the reference of a voucher that has another one, or that is closed: it is owed all the same."""
    other = found_here(voucher.account, report)
    if other is None:
        amount, currency = report.amount or voucher.amount or Decimal(0), report.currency or voucher.currency
        other = keep_found(voucher.account, report, amount=amount, currency=currency, way=way, is_new=True)
    if voucher.status == Status.APPROVED:
        reason = _("The provider has a code for this already. Was it sent before?")
        exceptions.hold(reference=voucher.reference, obj=voucher, reason=reason, way=way)
    states.tell(
        voucher,
        Kind.TAKEN_BACK,
        _("The provider has a code for this, which is %(state)s here. It is kept as %(other)s.")
        % {"state": voucher.get_status_display(), "other": other.reference.value},
        way,
        key=f"code:{other.reference.value}",
    )


# --- Its list ---
def found_here(account: ProviderAccount, report: VoucherReport) -> Voucher | None:
    """The issued voucher that has this code."""
    return (
        Voucher.objects.filter(
            account=account, direction=Voucher.Direction.ISSUED, code_digest__in=digests(report.code)
        )
        .exclude(status__in=Voucher.NOTHING)
        .select_related("reference", "account")
        .first()
    )


def named_here(account: ProviderAccount, report: VoucherReport) -> Voucher | None:
    """The issued voucher whose reference stands in the description."""
    return (
        Voucher.objects.filter(
            account=account, direction=Voucher.Direction.ISSUED, reference__value=named(report), found=False
        )
        .select_related("reference", "account")
        .first()
    )


@transaction.atomic
def listed(
    *, voucher_id: int, report: VoucherReport, way: str, asked_at: dt.datetime, was_asked: bool = False
) -> Voucher:
    """Apply one line of the list to the voucher that it is about: compare, then follow or hold. Safe to repeat.

    `was_asked`: the question was about this voucher alone.
    """
    voucher = states.lock(voucher_id)
    if voucher.has_code and voucher.code_digest not in digests(report.code):
        _second_code(voucher, report, way)
        return voucher
    if voucher.status in (*Voucher.NOTHING, Status.AWAITING_APPROVAL, Status.APPROVED):
        _second_code(voucher, report, way)
        return voucher
    if voucher.listed_at is not None and voucher.listed_at > asked_at:
        return voucher  # a younger list was applied already
    _note_facts(voucher, report, asked_at, was_asked)
    if report.status is None:
        states.tell(
            voucher,
            Kind.UNKNOWN_WORD,
            _("The provider uses a status word that we do not know: %s") % report.provider_status[:80],
            way,
            key=report.provider_status[:40],
        )
    reasons = [reason for reason in _differences(voucher, report) if reason not in voucher.reference.accepted]
    if reasons and references.reason(reasons) not in voucher.reference.accepted:
        _hold(voucher, report, reasons, way)
    elif voucher.reference.held_at is None:
        _follow(voucher, report, way)
    return voucher


def _note_facts(voucher: Voucher, report: VoucherReport, asked_at: dt.datetime, was_asked: bool) -> None:
    changes: dict[str, Any] = {
        "listed_at": asked_at,
        "created_text": report.created_text[:100],
        "applied_text": report.applied_text[:100],
        "check_failures": 0,
        "last_error": "",
        "not_found_at": None,
    }
    if was_asked:
        changes["checked_at"] = asked_at
    if report.provider_status:
        changes["provider_status"] = report.provider_status[:64]
    if any(getattr(voucher, name) != value for name, value in changes.items() if not name.endswith("_at")):
        changes["version"] = voucher.version + 1
    for name, value in changes.items():
        setattr(voucher, name, value)
    voucher.save(update_fields=[*changes, "updated_at"])


def _differences(voucher: Voucher, report: VoucherReport) -> list[str]:
    """Where the list is not what was asked for, as sentences. They are also what a person lets go."""
    found = []
    if report.currency and report.currency != voucher.currency:
        found.append(
            _("Its currency there is %(theirs)s, asked for was %(ours)s.")
            % {"theirs": report.currency[:40], "ours": voucher.currency}
        )
    if report.amount is not None and report.amount != voucher.worth:
        found.append(
            _("It is worth %(theirs)s there, asked for were %(ours)s %(currency)s.")
            % {
                "theirs": html.amount_text(report.amount, places=0),
                "ours": html.amount_text(voucher.worth or Decimal(0), places=0),
                "currency": voucher.currency,
            }
        )
    return found


def _hold(voucher: Voucher, report: VoucherReport, reasons: list[str], way: str) -> None:
    if voucher.status == Status.CREATING:
        # It arrived: whatever it is that they have, no second one is to be made.
        states.move(voucher, Status.UNKNOWN, way=way, check_failures=1)
    exceptions.hold(
        reference=voucher.reference,
        obj=voucher,
        reason=references.reason(reasons),
        way=way,
        status=report.provider_status,
        amount=report.amount,
        currency=report.currency,
    )


def _follow(voucher: Voucher, report: VoucherReport, way: str) -> None:
    if voucher.status in (Status.CREATING, Status.UNKNOWN):
        _adopt(voucher, report, way)
        return
    if report.amount is not None and report.amount != voucher.worth:  # a person has let the difference go
        voucher.stated = report.amount
        voucher.save(update_fields=["stated"])
    if report.status is None or report.status == voucher.status:
        return
    if voucher.status in states.FINAL:
        states.tell(
            voucher,
            Kind.TAKEN_BACK,
            _("This is %(ours)s here, but the provider now says %(theirs)s.")
            % {"ours": voucher.get_status_display(), "theirs": report.provider_status},
            way,
            key=report.status,
        )
        return
    states.move(voucher, report.status, way=way)
    if report.status == Status.DISABLED:
        _tell_disabled(voucher, way)


def _adopt(voucher: Voucher, report: VoucherReport, way: str) -> None:
    """A voucher in doubt is found by our reference: its code is kept, its debit booked."""
    amount = report.amount if report.amount is not None else voucher.amount or Decimal(0)
    if amount != voucher.amount:
        voucher.stated = amount
    states.book_made(voucher, amount=amount, way=way, label=gettext_noop("found in the provider's list"))
    status = report.status or Status.ACTIVE
    states.move(voucher, status, way=way, code=report.code, stated=voucher.stated)
    if status == Status.DISABLED:
        _tell_disabled(voucher, way)


def _tell_disabled(voucher: Voucher, way: str) -> None:
    states.tell(
        voucher,
        Kind.VOUCHER_DISABLED,
        _("The provider has switched this voucher off: %(amount)s %(currency)s. Was the money given back?")
        % {"amount": html.amount_text(voucher.worth or Decimal(0), places=0), "currency": voucher.currency},
        way,
        key="disabled",
    )


def keep_found(
    account: ProviderAccount,
    report: VoucherReport,
    *,
    amount: Decimal,
    currency: str,
    way: str,
    is_new: bool,
) -> Voucher:
    """Keep a code of the list that was not made here. `is_new`: made since we last looked, so its debit is booked.

    Belongs into the caller's transaction; raises IntegrityError when somebody else keeps it in this moment.
    """
    voucher = Voucher.objects.create(
        reference=references.take(account=account, kind=Reference.Kind.VOUCHER),
        account=account,
        direction=Voucher.Direction.ISSUED,
        status=report.status or Status.ACTIVE,
        provider_status=report.provider_status[:64],
        currency=currency,
        amount=amount,
        code=report.code,
        has_password=report.has_password,
        description=mask_cards(report.description.replace(report.code, "***"))[:1000],
        found=True,
        created_text=report.created_text[:100],
        applied_text=report.applied_text[:100],
        listed_at=timezone.now(),
        ended_at=timezone.now() if report.status == Status.REDEEMED else None,
    )
    audit.record(
        None,
        "voucher.found",
        voucher,
        way=way,
        amount=money.plain(amount),
        currency=currency,
        status=voucher.status,
        account=account.name,
    )
    if is_new:
        label = gettext_noop("not made here, found in the provider's list")
        states.book_made(voucher, amount=amount, way=way, label=label)
    if report.status == Status.DISABLED and is_new:
        _tell_disabled(voucher, way)
    wake.later("backoffice.index_object", "voucher", voucher.pk)
    return voucher


# --- Redeemed ---
@transaction.atomic
def redeemed(*, voucher_id: int, report: VoucherReport, way: str) -> Voucher:
    """The provider credited the code: book it once. What was decided otherwise meanwhile becomes an item."""
    voucher = states.lock(voucher_id)
    amount, currency = report.amount, report.currency
    if amount is None:  # the client proves an amount; without one nothing is booked
        return voucher
    if voucher.status not in (Status.REDEEMING, Status.UNKNOWN):
        if voucher.status != Status.REDEEMED:
            states.tell(
                voucher,
                Kind.TAKEN_BACK,
                _("This is %(ours)s here, but the provider says that it credited %(amount)s %(currency)s.")
                % {
                    "ours": voucher.get_status_display(),
                    "amount": money.plain(amount),
                    "currency": currency,
                },
                way,
                key="redeemed",
            )
        return voucher
    states.book_redeemed(voucher, amount=amount, currency=currency, way=way, label=gettext_noop("as stated"))
    states.move(
        voucher,
        Status.REDEEMED,
        way=way,
        amount=amount,
        currency=currency,
        password="",
        check_failures=0,
        last_error="",
    )
    wake.later("backoffice.index_object", "voucher", voucher.pk)
    return voucher


# --- What went wrong ---
@transaction.atomic
def not_there(*, voucher_id: int, asked_at: dt.datetime) -> Voucher:
    """The provider's list was read and does not show it: the row keeps its state and says so."""
    voucher = states.lock(voucher_id)
    voucher.not_found_at = voucher.checked_at = asked_at
    voucher.check_failures += 1
    voucher.last_error = _("The provider's list does not show it.")
    if voucher.status == Status.UNKNOWN:
        voucher.next_check_at = schedule.after_failures(voucher.check_failures)
    voucher.version += 1
    voucher.save(
        update_fields=[
            *("not_found_at", "checked_at", "check_failures", "last_error", "next_check_at"),
            *("version", "updated_at"),
        ]
    )
    return voucher


@transaction.atomic
def not_answered(*, voucher_id: int, error: ProviderError, asked_at: dt.datetime) -> None:
    """A look-up gave nothing to apply: the row keeps its state, says why, and is asked again later."""
    voucher = states.lock(voucher_id)
    words = calls.explain(error)[:300]
    changes: dict[str, Any] = {
        "last_error": words,
        "check_failures": voucher.check_failures + 1,
        "version": voucher.version + (words != voucher.last_error),
    }
    if isinstance(error, (Refused, Denied, OutcomeUnknown)):
        changes["checked_at"] = asked_at
    if voucher.status == Status.UNKNOWN:
        changes["next_check_at"] = schedule.after_failures(changes["check_failures"])
    Voucher.objects.filter(pk=voucher.pk).update(**changes)
