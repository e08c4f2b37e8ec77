"""Whether somewhere to pay to is an address of ours: a customer's wallet, or where an invoice is paid. Facts floor.

Never asked about cards: their numbers stand in no table that can be searched.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from backoffice.kit.fields import keyed_digest
from backoffice.models import SearchEntry
from payments.models import Invoice, ProviderAccount, Wallet
from payments.providers import offering
from payments.providers.spelling import comparable
from payments.providers.wallets import Wallets

#: How many addresses one query searches for; the shortest that is one.
AT_ONCE, SHORTEST = 50, 8


def requisites(invoice: Invoice) -> list[str]:
    """The addresses at which an invoice is paid directly. Cards and accounts are none."""
    found = (one for one in invoice.requisites or () if one.get("type") == "crypto")
    return [one["wallet"] for one in found if one.get("wallet")]


def find(addresses: Iterable[str]) -> dict[str, Wallet | Invoice]:
    """What of ours each of these addresses belongs to, in any account; those of nobody here are left out."""
    wanted = {comparable(one): one for one in addresses if len(one) >= SHORTEST and " " not in one}
    found: dict[str, Wallet | Invoice] = {}
    left = iter(wanted.values())
    while some := list(islice(left, AT_ONCE)):
        for owner, address in _owners(some):
            if (key := comparable(address)) in wanted:
                found.setdefault(wanted[key], owner)
    return found


def _owners(addresses: list[str]) -> Iterable[tuple[Wallet | Invoice, str]]:
    accounts = ProviderAccount.objects.filter(provider__in=offering(Wallets)).values_list("pk", flat=True)
    said = {spelling for one in addresses for spelling in (one, comparable(one))}
    # The index is of account and address. What was spelled otherwise, or is in an invoice, the search table knows.
    exact = Q(account__in=list(accounts), address__in=said)
    matching = Q()
    for one in addresses:
        matching |= Q(text__icontains=one)
    entries = SearchEntry.objects.filter(matching, kind__in=["wallet", "invoice"])
    known: dict[str, list[int]] = {"wallet": [], "invoice": []}
    for kind, pk in entries.values_list("kind", "object_id"):
        known[kind].append(pk)
    for wallet in Wallet.objects.filter(exact | Q(pk__in=known["wallet"])).select_related("reference"):
        yield wallet, wallet.address
    for invoice in Invoice.objects.filter(pk__in=known["invoice"]).select_related("reference"):
        for address in requisites(invoice):
            yield invoice, address


def warning(owner: Any) -> SafeString:
    """What it means to pay to such an address, with a link to whose it is."""
    if isinstance(owner, Wallet):
        words = _("This address is our own: it was made for %s, and what arrives there counts as theirs.")
        whom = owner.customer or owner.label or _("a wallet of ours")
    else:
        words = _("This address is our own: an invoice is paid there, and what arrives counts for %s.")
        whom = owner.customer or _("it")
    return format_html(
        '{} <a href="{}">{}</a>', words % whom, owner.get_absolute_url(), owner.reference.value
    )


def likeness(addresses: Iterable[str]) -> str:
    """What a tick for just these addresses of ours says; the same in whatever order."""
    return keyed_digest(" ".join(sorted(map(comparable, addresses))), "own addresses")[:16]


def check(addresses: Iterable[str], *, confirmed: str = "") -> None:
    """Raise ValidationError on `_confirm_own` if any of these is an address of ours; not if `confirmed` is the
    `likeness` of just those that are. The code of each error is that likeness.
    """
    found = find(addresses)
    if found and (wanted := likeness(found)) != confirmed:
        tick = _("Tick this box if it is meant.")
        told = [
            ValidationError(format_html("{}: {} {}", address, warning(owner), tick), code=wanted)
            for address, owner in list(found.items())[:20]
        ]
        raise ValidationError({"_confirm_own": told})
