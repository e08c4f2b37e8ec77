"""What the provider's word means for a wallet: the one door for its state. Deals floor.

Every way in (reply, list, staff, clock) ends in `move`, `apply`, `doubt`, `fail`, `not_sent` or `missed` here.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice import audit
from backoffice.kit import money, wake
from backoffice.kit.states import check_move
from payments.models import Wallet
from payments.providers.errors import ProviderError
from payments.providers.wallets import ConversionSettings, WalletReport, method_code

from . import approvals, callback_tokens, calls, exceptions, references, schedule

Status = Wallet.Status
OPERATION = "wallet"
FINAL = {Status.ACTIVE, Status.FAILED, Status.REJECTED}


def lock(wallet_id: int) -> Wallet:
    """The row, locked, with what belongs to it as it is now."""
    Wallet.objects.select_for_update().only("pk").get(pk=wallet_id)
    return Wallet.objects.select_related("reference", "account", "created_by").get(pk=wallet_id)


def move(
    wallet: Wallet, status: str, *, way: str, actor: Any = None, keep_claim: bool = False, **changes: Any
) -> None:
    """Change the state of a locked wallet. Raises IllegalMove. The audit line is in the same transaction."""
    old = wallet.status
    check_move(Wallet.TRANSITIONS, old, status)
    told = {name: changes.pop(name) for name in ("note", "digest") if name in changes}
    wallet.status = status
    if status in (Status.APPROVED, Status.CREATING):
        changes.setdefault("next_check_at", timezone.now() + dt.timedelta(seconds=1))
    elif status == Status.UNKNOWN:
        changes.setdefault("next_check_at", schedule.after_failures(max(wallet.check_failures, 1)))
    else:
        changes.setdefault("next_check_at", None)
    if not keep_claim:
        changes["claimed_until"] = None
    for name, value in changes.items():
        setattr(wallet, name, value)
    wallet.version += 1
    wallet.save(update_fields=["status", "version", "updated_at", *changes])
    if status in (Status.FAILED, Status.REJECTED, Status.AWAITING_APPROVAL):
        approvals.void(reference=wallet.reference, reason=str(Status(status).label))
    audit.record(actor, f"wallet.{status}", wallet, way=way, was=old, **told)
    wake.later("backoffice.index_object", "wallet", wallet.pk)


# --- What the provider says ---
@transaction.atomic
def apply(*, wallet_id: int, report: WalletReport, way: str, asked_at: dt.datetime | None = None) -> Wallet:
    """Apply one report: compare it with what we asked for, then keep the address or hold. Safe to repeat."""
    wallet = lock(wallet_id)
    if wallet.status not in (Status.CREATING, Status.UNKNOWN):
        return wallet
    reasons = [r for r in _differences(wallet, report) if r not in wallet.reference.accepted]
    if reasons and references.reason(reasons) not in wallet.reference.accepted:
        if wallet.status == Status.CREATING:  # it was made: whatever it is, no second one
            move(wallet, Status.UNKNOWN, way=way)
        exceptions.hold(
            reference=wallet.reference,
            obj=wallet,
            reason=references.reason(reasons),
            way=way,
            address=report.address[:120],
            number=report.provider_id,
        )
        return wallet
    move(
        wallet,
        Status.ACTIVE,
        way=way,
        provider_id=report.provider_id[:64],
        address=report.address[:300],
        tag=report.tag,
        made_at=report.created_at,
        last_error="",
        checked_at=asked_at or timezone.now(),
    )
    return wallet


def _differences(wallet: Wallet, report: WalletReport) -> list[str]:
    """Where what was made is not what we asked for, as sentences."""
    found = []
    if (report.ticker, report.network) != (wallet.currency, wallet.network):
        found.append(
            _("It is for %(theirs)s, we asked for %(ours)s.")
            % {"theirs": method_code(report.ticker, report.network)[:80], "ours": wallet.method}
        )
    if report.callback_url and not callback_tokens.is_own_callback_url(wallet.reference, report.callback_url):
        found.append(_("It names another callback address than ours."))
    if _conversion(report.conversion) != _asked_conversion(wallet):
        found.append(_("What arrives is converted in another way than we asked for."))
    others = Wallet.objects.filter(account=wallet.account, address=report.address, tag=report.tag).exclude(
        pk=wallet.pk
    )
    for other in others.order_by("pk")[:3]:
        if (other.customer, other.label) != (wallet.customer, wallet.label):
            found.append(
                _("This address was given already: %(number)s, %(whom)s.")
                % {
                    "number": other.reference.value,
                    "whom": other.customer or other.label or _("nobody named"),
                }
            )
    return found


def _conversion(settings_: ConversionSettings | None) -> tuple[str, str, str]:
    if settings_ is None:
        return ("", "", "")
    limit = "" if settings_.limit is None else money.plain(settings_.limit)
    percent = "" if settings_.percent is None else money.plain(settings_.percent)
    return (settings_.ticker, limit, percent)


def _asked_conversion(wallet: Wallet) -> tuple[str, str, str]:
    fields = wallet.fields
    numbers = [
        money.plain(money.parse(fields[name])) if fields.get(name) else ""
        for name in ("convert_limit", "convert_percent")
    ]
    return (fields.get("convert_ticker", ""), *numbers) if fields.get("convert_ticker") else ("", "", "")


# --- What went wrong ---
def _mine(wallet_id: int, fence: int) -> Wallet | None:
    wallet = lock(wallet_id)
    return wallet if wallet.status == Status.CREATING and wallet.fence == fence else None


@transaction.atomic
def doubt(*, wallet_id: int, fence: int, error: str, way: str) -> None:
    """The request may have arrived: unknown, and the provider's list will be read."""
    wallet = _mine(wallet_id, fence)
    if wallet is not None:
        move(wallet, Status.UNKNOWN, way=way, last_error=error[:300], check_failures=1)


@transaction.atomic
def fail(*, wallet_id: int, fence: int, error: ProviderError, way: str) -> None:
    """The provider refused in documented words: nothing was made."""
    wallet = _mine(wallet_id, fence)
    if wallet is not None:
        move(wallet, Status.FAILED, way=way, last_error=calls.explain(error)[:300])


@transaction.atomic
def not_sent(*, wallet_id: int, fence: int, error: ProviderError) -> None:
    """Proven not sent: it waits and is tried again by itself."""
    wallet = _mine(wallet_id, fence)
    if wallet is not None:
        failures = wallet.check_failures + 1
        schedule.unclaim(
            Wallet,
            wallet_id,
            fence,
            **schedule.bump(
                last_error=calls.explain(error)[:300],
                check_failures=failures,
                next_check_at=schedule.after_failures(failures, at_least=schedule.asked_to_wait(error)),
            ),
        )


@transaction.atomic
def not_answered(*, wallet_id: int, error: ProviderError, asked_at: dt.datetime) -> None:
    """The list could not be read: the row keeps its state, says why, and is asked about again."""
    wallet = lock(wallet_id)
    failures = wallet.check_failures + 1
    changes: dict[str, Any] = {"last_error": calls.explain(error)[:300], "check_failures": failures}
    if wallet.status == Status.UNKNOWN:
        changes["next_check_at"] = schedule.after_failures(failures)
    Wallet.objects.filter(pk=wallet.pk).update(**schedule.bump(**changes))


@transaction.atomic
def missed(*, wallet_id: int, asked_at: dt.datetime, is_whole: bool = True) -> None:
    """The list does not show it. Counts only of a list that was read whole, once it can no longer be made, and well after the last time."""
    wallet = lock(wallet_id)
    if wallet.status != Status.UNKNOWN:
        return
    failures = wallet.check_failures + 1
    changes: dict[str, Any] = {"check_failures": failures, "checked_at": asked_at}
    changes["next_check_at"] = schedule.after_failures(failures)
    gap = dt.timedelta(seconds=settings.SCAN_GAP_SECONDS)
    begin = calls.over_at(wallet.reference, OPERATION) or wallet.created_at
    if is_whole and asked_at >= begin and (wallet.counted_at is None or asked_at - wallet.counted_at >= gap):
        changes |= {"misses": wallet.misses + 1, "counted_at": asked_at}
    if changes.get("misses", wallet.misses) < settings.SCAN_TIMES:
        changes["next_check_at"] = max(begin, (changes.get("counted_at") or wallet.counted_at or begin) + gap)
    changes["last_error"] = _("Not in the provider's list: %(n)s of %(times)s looks.") % {
        "n": changes.get("misses", wallet.misses),
        "times": settings.SCAN_TIMES,
    }
    Wallet.objects.filter(pk=wallet.pk).update(**schedule.bump(**changes))
