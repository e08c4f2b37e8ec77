"""Where a partner payout may go: the address check, the book of our own destinations, what a person must confirm. Deals floor.

Asks nobody. The exchanger names no network for a way to be paid out: it is known only where the way's own title says it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice.kit.fields import keyed_digests
from payments import addresses, form_words
from payments.models import Direction, OwnDestination, PartnerPayout, PartnerProgram, ProviderAccount
from payments.providers import numbers
from payments.providers.redaction import mask_account

from . import destinations, own_addresses

CONFIRM = "_confirm_account"
LONGEST = 300
RETIRED = gettext_noop("This was taken out of the book of our own destinations.")
Status = OwnDestination.Status


# --- Ways to be paid out ---
@dataclass(frozen=True)
class Way:
    """A way to be paid out. `network`: of payments.addresses, "" where it is not known; `codes`: of its currency."""

    id: str
    title: str
    network: str
    codes: frozenset[str]
    told: dict[str, str]

    def takes(self, destination: OwnDestination) -> bool:
        """Whether an entry of our own book is of this way. None with a tag is: it could not be sent."""
        if destination.tag:
            return False
        of_method = addresses.network_of(destination.method)
        # By the number itself: `is_card` is also true of an IBAN, or of whatever else is masked.
        network = addresses.CARD if addresses.looks_like_card(destination.address) else of_method
        if self.network == addresses.CARD or (self.network and network):
            return network == self.network
        # An address of one network is never offered for a way of which nobody knows the network.
        return of_method is None and destination.method in self.codes


def ways(program: PartnerProgram) -> list[Way]:
    """All ways to be paid out, each once."""
    return [_way(program, one) for one in {one["id"]: one for one in program.methods}.values()]


def find_way(program: PartnerProgram, method_id: str) -> Way | None:
    """One way to be paid out, or None."""
    found = next((one for one in program.methods if one["id"] == method_id), None)
    return None if found is None else _way(program, found)


def _way(program: PartnerProgram, told: dict[str, str]) -> Way:
    # The exchanger numbers the ways like the currencies of its directions, and there it tells their codes.
    known = Direction.objects.filter(account_id=program.account_id)
    codes = {
        code
        for side in ("give", "get")
        for code in known.filter(**{f"{side}_id": told["id"]}).values_list(f"{side}_code", flat=True)
        if code
    }
    tokens = (addresses.network_of(code) for code in sorted(codes) if code not in addresses.CODES)
    network = form_words.network_of_title(told["title"]) or next(filter(None, tokens), None)
    return Way(told["id"], told["title"], network or "", frozenset(codes), told)


def fitting(offered: Iterable[Way]) -> list[OwnDestination]:
    """The approved entries of our own book that any of these ways takes."""
    approved = OwnDestination.objects.filter(status=Status.APPROVED).order_by("label", "pk")
    known = list(offered)
    return [one for one in approved if any(way.takes(one) for way in known)]


# --- Where it goes ---
@dataclass(frozen=True)
class Payee:
    """An account that money may go to. `checked`: what the address check found. `entry`: of our approved book, or None.

    `doubts`: sentences, each of which a person must have confirmed; empty for none.
    """

    account: str
    shown: str
    is_card: bool
    checked: str
    entry: OwnDestination | None
    doubts: list[str]


def check(*, account: ProviderAccount, way: Way, given: Mapping[str, Any]) -> Payee:
    """The payee that was typed. Raises ValidationError by field, also for what is not confirmed."""
    payee = look(account=account, way=way, typed=str(given.get("account", "")))
    if payee.doubts and not given.get(CONFIRM):
        told = [*payee.doubts, _("Tick the box if it is right.")]
        raise ValidationError({CONFIRM: format_html_join(" ", "{}", ((one,) for one in told))})
    return payee


def look(*, account: ProviderAccount, way: Way, typed: str) -> Payee:
    """What is known about an account for this way. Raises ValidationError on `account` for what is none."""
    if not typed:
        raise ValidationError({"account": _("Where should it go?")})
    if len(typed) > LONGEST or "\x00" in typed:
        raise ValidationError({"account": _("At most %(limit)s characters.") % {"limit": LONGEST}})
    shown, leaves = mask_account(typed), typed
    is_masked = shown != typed
    if is_masked or way.network == addresses.CARD:
        # However it was typed, the same card is the same account. A key or a text leaves to the letter.
        leaves = numbers.bare(typed) or typed
    verdict = addresses.check(way.network or "?", leaves)
    if verdict.valid is False:
        raise ValidationError({"account": verdict.words})
    doubts = [] if verdict.valid else [_unchecked(way, leaves, verdict)]
    if entry := _in_the_book(way, {typed, leaves}):
        leaves = entry.address
        shown, is_masked = mask_account(leaves), mask_account(leaves) != leaves
    if not is_masked:
        doubts += [own_addresses.warning(owner) for owner in own_addresses.find([leaves]).values()]
    if entry is None and not _was_paid(account, leaves, shown):
        doubts.append(
            _(
                "No payout of ours has gone there yet, and it is not in the approved book of our own destinations."
            )
        )
    return Payee(leaves, shown, is_masked, verdict.words, entry, doubts)


def _unchecked(way: Way, typed: str, verdict: addresses.Verdict) -> str:
    if way.network:
        return verdict.words
    if typed.isdecimal() and len(typed) == 16 and not addresses.looks_like_card(typed):
        return _("This looks like the number of a card, but a digit of it is missing, doubled or mistyped.")
    return (
        _(
            "Whether this is right for “%s” cannot be checked here: compare every character, and the network. "
            "What goes to a wrong one is lost."
        )
        % way.title
    )


def _in_the_book(way: Way, spellings: set[str]) -> OwnDestination | None:
    """The approved entry for just this. Raises ValidationError for one that was retired, and for one with a tag."""
    found = _entries(spellings)
    approved = list(found.filter(status=Status.APPROVED).order_by("pk"))
    if entry := next((one for one in approved if way.takes(one)), None):
        return entry
    if not approved and found.filter(status=Status.RETIRED).exists():
        raise ValidationError({"account": _(RETIRED)})
    if approved and all(one.tag for one in approved):
        raise ValidationError(
            {"account": _("In our book it needs a tag or memo, and the exchanger takes none for payouts.")}
        )
    return None


def _entries(spellings: set[str]) -> QuerySet[OwnDestination]:
    digests = [one for typed in spellings for one in keyed_digests(typed, destinations.PURPOSE)]
    return OwnDestination.objects.filter(digest__in=digests)


def is_retired(account: str) -> bool:
    """Whether this was taken out of our book since, so that nothing may go there any more."""
    stands = set(_entries({account}).values_list("status", flat=True))
    return Status.RETIRED in stands and Status.APPROVED not in stands


def _was_paid(account: ProviderAccount, typed: str, shown: str) -> bool:
    """Whether a payout of this account has arrived there."""
    arrived = PartnerPayout.objects.filter(account=account, shown=shown, status=PartnerPayout.Status.COMPLETE)
    return any(one.payee_account == typed for one in arrived.order_by("-pk")[:20])


def about(payout: PartnerPayout) -> Payee | None:
    """The same of a payout as it stands now, for whoever decides; None where nothing can be said any more."""
    program = PartnerProgram.objects.filter(account=payout.account).first()
    way = find_way(program, payout.method_id) if program else None
    if way is None:
        return None
    try:
        return look(account=payout.account, way=way, typed=payout.payee_account)
    except ValidationError as error:
        return Payee(payout.payee_account, payout.shown, payout.is_card, "", None, error.messages)
