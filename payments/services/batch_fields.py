"""What was typed for a batch payout: its rows (typed, pasted or from a file), its checks, and what is sent. Deals floor.

Checks here first (checksum, network); the provider is asked about addresses within the limit of a web request.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from backoffice.kit import money
from payments import addresses
from payments.models import BatchPayout, ProviderAccount
from payments.models.accounts import BitcoinNetwork
from payments.models.batch_payouts import CURRENCY
from payments.providers import PROVIDERS
from payments.providers.batches import BatchRequest, Payout
from payments.providers.errors import ProviderError
from payments.providers.spelling import comparable

from . import accounts, calls, methods, own_addresses

SIMILAR = dt.timedelta(minutes=10)
OWN = ("_max_fee", "_note", "_confirm_similar", "_confirm_own")
MOST_ROWS = 500
MOST_HOURS = 8784  # a year: more is a slip
MOST_TOLD = 20  # lines that are told of at once
MOST_SHOWN = 100  # letters of a wrong line
MOST_COINS = Decimal(21_000_000)
SECONDS = 5.0
DECIMAL_COMMA = re.compile(
    r"\s*[^\s,]+\s+[0-9]+,[0-9]*\s*"
)  # "address 0,5": a wrong amount, not three columns


@dataclass(frozen=True)
class Row:
    """One line that was read. `is_valid`: the provider's word; None: not asked yet."""

    line: int
    address: str
    amount: Decimal
    is_valid: bool | None = None


# --- Reading rows ---
def read_rows(text: str, *, network: str) -> list[Row]:
    """The rows of typed, pasted or imported text: an address and an amount per line, parted by a comma, a semicolon,
    a tab or spaces; a first line of titles is passed over. Raises ValidationError on `payouts`: which line, and why.
    """
    found: list[Row] = []
    problems: dict[int, str] = {}
    seen: dict[str, int] = {}
    lines = _lines(text)
    for line, words in lines:
        try:
            row = _row(line, words, network)
        except ValidationError as error:
            problems[line] = " ".join(error.messages)
            continue
        earlier = seen.setdefault(comparable(row.address), line)
        if earlier != line:
            problems[line] = _("The address stands in line %s already. Add the amounts up.") % earlier
        found.append(row)
    if problems:
        raise wrong_lines(problems, {line: " ".join(words) for line, words in lines})
    told = ""
    if not found:
        told = _("Enter at least one address with its amount.")
    elif len(found) > MOST_ROWS:
        told = _("At most %s rows in one batch.") % MOST_ROWS
    elif sum((row.amount for row in found), Decimal(0)) > MOST_COINS:
        told = _("That is more Bitcoin than there can be.")
    if told:
        raise ValidationError({"payouts": told})
    return found


def wrong_lines(problems: Mapping[int, str], typed: Mapping[int, str]) -> ValidationError:
    """A refusal on `payouts` that tells of each line what it says and why it is wrong (in `params`: `line`, `what`,
    `why`), and of very many which they are.
    """
    told: list[Any] = [
        ValidationError(
            _("Line %(line)s, “%(what)s”: %(why)s"),
            code="line",
            params={"line": line, "what": Truncator(typed[line]).chars(MOST_SHOWN), "why": why},
        )
        for line, why in list(problems.items())[:MOST_TOLD]
    ]
    if len(problems) > MOST_TOLD:
        rest = ", ".join(str(line) for line in list(problems)[MOST_TOLD:])
        told.append(_("Something is wrong in these lines as well: %s") % rest)
    return ValidationError({"payouts": told})


def _lines(text: str) -> list[tuple[int, list[str]]]:
    lines = []
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), start=1):
        if not line.strip():
            continue
        divider = next((sign for sign in ("\t", ";", ",") if sign in line), "")
        if divider == "," and DECIMAL_COMMA.fullmatch(line):
            divider = ""
        words = next(csv.reader([line], delimiter=divider)) if divider else line.split()
        lines.append((number, [word.strip() for word in words]))
    if lines and lines[0][1][0].lower() in ("address", "addr", _("Address").lower()):
        lines = lines[1:]
    return lines


def _row(line: int, words: Sequence[str], network: str) -> Row:
    filled = [word for word in words if word]
    if len(filled) != 2:
        raise ValidationError(_("An address and an amount are needed, and nothing else."))
    address, amount = filled
    verdict = addresses.check_bitcoin(address, testnet=network == BitcoinNetwork.TEST)
    if verdict.valid is not True:
        raise ValidationError(verdict.words)
    try:
        read = methods.read_amount(amount, code=CURRENCY, name="amount")
    except ValidationError as error:
        raise ValidationError(error.messages) from error
    return Row(line, address, read)


# --- Checking ---
def check(*, account: ProviderAccount, fields: Mapping[str, Any]) -> tuple[dict[str, Any], list[Row]]:
    """The columns of a new batch payout and its rows. Raises ValidationError with every error at its field.

    Asks the provider about each address, for 5 s at most; what it could not be asked about in that time a worker
    asks before anything is created. Not in a transaction.
    """
    if refusal := accounts.why_no_batches(account):
        raise ValidationError(refusal)
    given = {name: value.strip() if isinstance(value, str) else value for name, value in fields.items()}
    given = {name: value for name, value in given.items() if value not in ("", None, False)}
    known = {field.name: field for field in PROVIDERS[account.provider].batch_fields}
    unknown = [name for name in given if name not in known and name not in OWN]
    if unknown:
        raise ValidationError({name: _("This provider has no such field.") for name in unknown})
    errors: dict[str, Any] = {}
    values: dict[str, Any] = {
        "network": account.bitcoin_network,
        "purpose": str(given.get("_note", ""))[:300],
    }
    rows: list[Row] = []
    for step in (_delay, _code, _max_fee):
        try:
            values |= step(given)
        except ValidationError as error:
            errors |= error.error_dict
    try:
        rows = read_rows(str(given.get("payouts", "")), network=account.bitcoin_network)
    except ValidationError as error:
        errors |= error.error_dict
    if errors:
        raise ValidationError(errors)
    values |= {
        "total": sum((row.amount for row in rows), Decimal(0)),
        "row_count": len(rows),
        "fingerprint": fingerprint(values["delay"], rows),
    }
    for confirm in (
        lambda: _similar(account, given, values),
        lambda: own_addresses.check(
            (row.address for row in rows), confirmed=str(given.get("_confirm_own", ""))
        ),
    ):
        try:
            confirm()
        except ValidationError as error:
            errors |= error.error_dict
    if errors:
        raise ValidationError(errors)
    return values, ask_provider(account, rows)


def _delay(given: Mapping[str, Any]) -> dict[str, Any]:
    typed = str(given.get("delay", ""))
    if not (typed.isascii() and typed.isdigit() and len(typed) < 6 and int(typed) <= MOST_HOURS):
        raise ValidationError({"delay": _("Enter whole hours, 0 or more.")})
    return {"delay": int(typed)}


def _code(given: Mapping[str, Any]) -> dict[str, Any]:
    code = str(given.get("refCode", ""))
    if len(code) > 64 or not all("!" <= letter <= "~" for letter in code):
        raise ValidationError({"refCode": _("Enter the code without spaces, at most 64 letters.")})
    return {"ref_code": code}


def _max_fee(given: Mapping[str, Any]) -> dict[str, Any]:
    if "_max_fee" not in given:
        return {}
    return {"max_fee": methods.read_amount(given["_max_fee"], code=CURRENCY, name="_max_fee")}


def fingerprint(delay: int, rows: Sequence[Row]) -> str:
    """The same for the same payees, amounts and delay, in whatever order."""
    lines = sorted(f"{comparable(row.address)} {money.plain(row.amount)}" for row in rows)
    return hashlib.sha256("\n".join([str(delay), *lines]).encode()).hexdigest()


def _similar(account: ProviderAccount, given: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    if given.get("_confirm_similar"):
        return
    first = (
        BatchPayout.objects.filter(
            account=account, fingerprint=values["fingerprint"], created_at__gt=timezone.now() - SIMILAR
        )
        .exclude(status__in=["rejected", "canceled", "failed"])
        .order_by("created_at")
        .first()
    )
    if first is not None:
        raise ValidationError(
            {
                "_confirm_similar": format_html(
                    '{} <a href="{}">{}</a>. {}',
                    _("The same payees with the same amounts were requested a moment ago:"),
                    reverse("payments:batchpayout", args=[first.pk]),
                    first.reference.value,
                    _("Tick this box if a second one is meant."),
                )
            }
        )


def own_warnings(batch: BatchPayout) -> list[Any]:
    """Which of its payees are addresses of our own, as sentences for whoever approves it."""
    found = own_addresses.find(batch.rows.values_list("address", flat=True))
    return [format_html("{}: {}", one, own_addresses.warning(owner)) for one, owner in found.items()]


def ask_provider(account: ProviderAccount, rows: Sequence[Row], *, seconds: float = SECONDS) -> list[Row]:
    """The rows with the provider's word on their addresses, as far as it answers within `seconds`.

    Raises ValidationError on `payouts` for those that it calls wrong. One that it cannot be asked about stays None.
    """
    until = time.monotonic() + seconds
    told: dict[int, bool] = {}
    for row in rows:
        left = until - time.monotonic()
        if left <= 0:
            break
        try:
            client = calls.client(account, priority="probe", seconds=left)
            told[row.line] = client.validate_address(row.address).valid is True
        except ProviderError:
            break  # it does not answer now: a worker asks before anything is created
    if wrong := {row.line: row.address for row in rows if told.get(row.line) is False}:
        raise wrong_lines(dict.fromkeys(wrong, _("The provider says that this is no valid address.")), wrong)
    return [Row(row.line, row.address, row.amount, told.get(row.line)) for row in rows]


# --- What is sent ---
def to_send(batch: BatchPayout) -> BatchRequest:
    """What leaves, under the provider's own names."""
    payouts = tuple(Payout(row.address, row.amount) for row in batch.rows.order_by("position"))
    fields: dict[str, Any] = {"delay": batch.delay, "payouts": payouts}
    if batch.ref_code:
        fields["refCode"] = batch.ref_code
    return BatchRequest(batch.reference.value, fields)


def payload(batch: BatchPayout) -> dict[str, Any]:
    """The same as plain values, with the network: this is what the approval binds."""
    rows = [f"{row.address} {money.plain(row.amount)}" for row in batch.rows.order_by("position")]
    most = "" if batch.max_fee is None else money.plain(batch.max_fee)
    return {
        "delay": batch.delay,
        "payouts": "\n".join(rows),
        "refCode": batch.ref_code,
        "network": batch.network,
        "max_fee": most,
    }


def facts(batch: BatchPayout) -> dict[str, Any]:
    """What the audit trail keeps of a request."""
    return {
        "total": money.plain(batch.total),
        "currency": batch.currency,
        "rows": batch.row_count,
        "delay": batch.delay,
        "network": batch.network,
        "account": batch.account.name,
    }
