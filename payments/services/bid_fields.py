"""The checks of a bid's fields against its direction's form, the calculation, where it pays to, and what is sent.

Deals floor. Asks nobody. Amounts of quotes are exact texts; only what a column can hold becomes one.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from backoffice.kit import money
from backoffice.kit.fields import keyed_digest
from payments import addresses, form_words
from payments.models import Bid, Direction, Method, OwnDestination, ProviderAccount
from payments.providers import PROVIDERS
from payments.providers.base import Field
from payments.providers.bids import (
    GET,
    GET_WITH_FEE,
    GIVE,
    GIVE_WITH_FEE,
    Bids,
    QuoteRequest,
)
from payments.providers.redaction import mask_account, mask_numbers

from . import destinations, directions, methods

CUSTOMER, NOTE, QUOTE = "_customer_reference", "_note", "_quote"
OWN = (CUSTOMER, NOTE, QUOTE)
#: What every bid has; the rest is the direction's own form.
FIXED = ("direction_id", "calc_amount", "calc_action", "partner_id")
ACCOUNT = "account2"  # where the exchanger pays to
ACCOUNTS = ("account1", ACCOUNT)
SIDES = {GIVE: "give", GET: "get", GIVE_WITH_FEE: "give_with_fee", GET_WITH_FEE: "get_with_fee"}
LONGEST = 500


def may_exchange(account: ProviderAccount) -> str:
    """Why this account may make no bids now, as a sentence; empty if it may."""
    if not issubclass(PROVIDERS[account.provider], Bids):
        return _("This provider has no exchange.")
    if not account.is_active:
        return _("This account is switched off.")
    if not account.credentials:
        return _("This account has no keys. An admin must enter them.")
    return ""


def filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed, without outer spaces and without what was left empty."""
    given = {name: value.strip() if isinstance(value, str) else value for name, value in fields.items()}
    return {name: value for name, value in given.items() if value not in ("", None)}


def find_direction(account: ProviderAccount, number: Any) -> Direction:
    """The account's direction with this number, its form known. Raises ValidationError on `direction_id`."""
    found = Direction.objects.filter(account=account, provider_id=str(number or "")).first()
    if found is None:
        raise ValidationError({"direction_id": _("Choose a direction of this account.")})
    if not found.is_offered:
        raise ValidationError({"direction_id": _("The exchanger does not offer this direction now.")})
    if not found.is_known:
        raise ValidationError(
            {"direction_id": _("The form of this direction is not known yet. It is being asked for.")}
        )
    return found


def form(direction: Direction) -> tuple[Field, ...]:
    """All fields of the direction, in the exchanger's order."""
    parts = directions.form_of(direction.form)
    return (*parts["give"], *parts["get"], *parts["direction"])


# --- The calculation ---
def calculation(account: ProviderAccount, direction: Direction, given: Mapping[str, Any]) -> QuoteRequest:
    """What is asked of the calculator. Raises ValidationError by field."""
    errors: dict[str, Any] = {}
    action = str(given.get("calc_action", ""))
    if action not in {str(one) for one in SIDES}:
        errors["calc_action"] = _("Choose what the amount is.")
    code = direction.give_code if action in (str(GIVE), str(GIVE_WITH_FEE)) else direction.get_code
    amount = Decimal(0)
    try:
        amount = methods.read_amount(given.get("calc_amount", ""), code=code, name="calc_amount")
    except ValidationError as error:
        errors |= error.error_dict
    if errors:
        raise ValidationError(errors)
    counted = {field.name for field in form(direction) if field.calculates}
    inner = {name: str(given[name]) for name in sorted(counted) if name in given}
    return QuoteRequest(direction.provider_id, amount, int(action), inner)


def key(account: ProviderAccount, request: QuoteRequest) -> str:
    """What a quote is for, as a digest: another one here means that another calculation was asked for."""
    told = {
        "account": str(account.uuid),
        "direction": request.direction_id,
        "amount": money.plain(request.amount),
        "action": request.action,
        "fields": dict(sorted(request.fields.items())),
    }
    return keyed_digest(json.dumps(told, sort_keys=True, separators=(",", ":")), "bid quote")


def amount_of(quote: Mapping[str, Any], name: str) -> Decimal | None:
    """One amount of a quote's texts, exactly; None where it was not stated."""
    text = quote.get(name) or ""
    return Decimal(text) if text else None


def was_moved(quote: Mapping[str, Any], *, action: int, amount: Decimal) -> bool:
    """Whether the exchanger calculated with another amount than it was asked for, whether it said so or not."""
    return quote.get("changed") is True or amount_of(quote, SIDES[action]) != amount


def moved_words(quote: Mapping[str, Any], *, action: int, amount: Decimal) -> str:
    """That the amount was moved, and where to, as a sentence; empty if it was not."""
    if not was_moved(quote, action=action, amount=amount):
        return ""
    code = quote["give_currency"] if action in (GIVE, GIVE_WITH_FEE) else quote["get_currency"]
    return _(
        "The exchanger moved the amount into its limits: it calculates with %(theirs)s %(currency)s, not with %(ours)s."
    ) % {
        "theirs": quote.get(SIDES[action]) or "?",
        "ours": money.plain(amount),
        "currency": code,
    }


def expected(quote: Mapping[str, Any]) -> dict[str, Any]:
    """What we are to give and to receive by a quote, fees included where they are told."""
    give = amount_of(quote, "give_with_fee") or amount_of(quote, "give")
    got = amount_of(quote, "get_with_fee") or amount_of(quote, "get")
    return {"expected_give": directions.kept(give), "expected_get": directions.kept(got)}


# --- The form ---
def check(
    *, account: ProviderAccount, direction: Direction, given: Mapping[str, Any], quote: Mapping[str, Any]
) -> dict[str, Any]:
    """The columns of a new bid. Raises ValidationError, every error at its field."""
    fields = form(direction)
    offered = {field.name: field for field in fields}
    errors: dict[str, Any] = {
        name: _("This direction has no such field.")
        for name in given
        if name not in offered and name not in FIXED and name not in OWN
    }
    for field in fields:
        if problem := _problem(field, given.get(field.name)):
            errors[field.name] = problem
    partner = str(given.get("partner_id", ""))
    if partner and not re.fullmatch(r"[1-9][0-9]{0,17}", partner, re.ASCII):
        errors["partner_id"] = _("This must be a number of the exchanger.")
    destination = None
    try:
        destination = _destination(direction, given)
    except ValidationError as error:
        errors = error.error_dict | errors
    amount, action = Decimal(given["calc_amount"]), int(given["calc_action"])
    if words := moved_words(quote, action=action, amount=amount):
        errors["calc_amount"] = f"{words} {_('Enter that amount if you want it.')}"
    if errors:
        raise ValidationError(errors)
    typed = {name: str(value) for name, value in given.items() if name not in OWN}
    return {
        "direction": direction,
        "direction_number": direction.provider_id,
        "give_system": direction.give_title,
        "get_system": direction.get_title,
        "give_currency": direction.give_code,
        "get_currency": direction.get_code,
        "quote": dict(quote),
        "typed": json.dumps(typed),
        "fields": shown(fields, typed),
        "form": [dataclasses.asdict(field) for field in fields],
        "destination": destination,
        "customer": str(given.get(CUSTOMER, ""))[:120],
        "purpose": str(given.get(NOTE, ""))[:300],
    } | expected(quote)


def _problem(field: Field, value: Any) -> str:
    if value is None:
        return _("This is needed.") if field.required else ""
    if not isinstance(value, str) or "\x00" in value:
        return _("Enter a text.")
    limit = field.max_length or LONGEST
    if len(value) > limit:
        return _("At most %(limit)s characters.") % {"limit": limit}
    if field.choices:
        return "" if value in dict(field.choices) else _("Choose one of the offered values.")
    return form_words.typed_problem(value, field.label, field.help, is_email=field.kind == "email")


def shown(fields: Iterable[Field], typed: Mapping[str, str]) -> list[list[str]]:
    """What was typed into the direction's own fields, for people: (name, label, text), numbers of cards and accounts
    masked, right or mistyped.
    """
    found = []
    for field in fields:
        if field.name in typed:
            choice = dict(field.choices).get(typed[field.name])
            found.append([field.name, field.label, choice or masked(field, typed[field.name])])
    return found


def masked(field: Field, text: str) -> str:
    """One typed value for people."""
    is_account = field.name in ACCOUNTS or form_words.asks_for_account(field.label)
    return mask_account(text) if is_account else mask_numbers(text)


# --- Where it pays to ---
def _destination(direction: Direction, given: Mapping[str, Any]) -> OwnDestination | None:
    """The entry of our own book that the exchanger pays to; None where it pays to no address.

    It pays to an address if its form asks for an account to pay to (`account2`), whatever the currency: coins, cards
    and purses alike; or if something that is entered for the receiving side has the shape of an address or a card.
    Without any, it pays inside of the exchanger, where nobody else's address can stand. Raises ValidationError.
    """
    receiving = directions.form_of(direction.form)["get"]
    tags = {one.name for one in receiving if form_words.asks_for_tag(f"{one.label} {one.help}")} - {ACCOUNT}
    found = None
    for field in receiving:
        value = given.get(field.name)
        if value is None or field.name in tags:
            continue
        if field.name == ACCOUNT or _looks_like_address(str(value)):
            tag = next((str(given[name]) for name in sorted(tags) if name in given), "")
            found = _in_the_book(direction, field.name, str(value), tag)
    return found


def _looks_like_address(value: str) -> bool:
    return addresses.looks_like_card(value) or any(
        addresses.check(network, value).valid is True for network in addresses.NETWORKS
    )


def _in_the_book(direction: Direction, name: str, value: str, tag: str) -> OwnDestination:
    verdict = addresses.check(direction.get_code, value)
    if verdict.valid is False:
        raise ValidationError({name: verdict.words})
    codes = set(Method.objects.filter(currency=direction.get_code).values_list("code", flat=True))
    for method in sorted(codes | {direction.get_code}):
        for spelled in {value, value.replace(" ", "").replace("-", "")}:
            if found := destinations.find_approved(method=method, address=spelled, tag=tag):
                return found
    raise ValidationError(
        {
            name: format_html(
                '{} <a href="{}?method={}">{}</a>',
                _("This is not in the approved book of our own destinations."),
                reverse("payments:owndestination_create"),
                direction.get_code,
                _("Propose it"),
            )
        }
    )


# --- What is sent ---
def to_send(bid: Bid) -> dict[str, Any]:
    """The provider's parameters, the amount as Decimal."""
    sent: dict[str, Any] = money.loads(bid.typed)
    return sent | {"calc_amount": Decimal(sent["calc_amount"])}


def form_to_send(bid: Bid) -> tuple[Field, ...]:
    """The direction's form as it was when the bid was asked for."""
    return directions.form_of({"direction": bid.form})["direction"]


def facts(bid: Bid) -> dict[str, Any]:
    """What the audit trail keeps of a new bid."""
    return {
        "account": bid.account.name,
        "direction": f"{bid.give_system} → {bid.get_system}",
        "give": f"{bid.quote.get('give_with_fee') or bid.quote.get('give', '')} {bid.give_currency}",
        "get": f"{bid.quote.get('get_with_fee') or bid.quote.get('get', '')} {bid.get_currency}",
        "destination": bid.destination.shown if bid.destination else "",
    }
