"""Bids of the simulated exchanger: making and describing them, and what their owner may do with them.
Holds no lists (see listing) and no moves of the exchanger itself (see moves)."""

from __future__ import annotations

import secrets
import sqlite3
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox import transactions
from sandbox.ledger import next_number
from sandbox.premium_exchanger import calculator, checks, directions, errors, moves, witness
from sandbox.premium_exchanger.access import user_id
from sandbox.premium_exchanger.calls import WHOLE, Context
from sandbox.premium_exchanger.catalog import Direction, direction
from sandbox.premium_exchanger.errors import Refusal
from sandbox.transactions import Transaction
from sandbox.wire import plain

if TYPE_CHECKING:
    from sandbox.premium_exchanger.provider import PremiumExchanger

KIND = "bid"
HIDDEN = "auto"
LONGEST_API_ID = 100
#: From which statuses a bid's owner may cancel it or say that it is paid.
UNPAID = ("new", "coldnew", "techpay", "coldpay")
CANCELABLE = UNPAID
TITLES = {
    "new": "Awaiting payment",
    "coldnew": "Awaiting confirmation",
    "techpay": "Going to payment",
    "coldpay": "Waiting for the payment's confirmation",
    "payed": "Marked as paid",
    "realpay": "Paid",
    "verify": "On check",
    "coldsuccess": "Being paid out",
    "success": "Completed",
    "error": "Error",
    "payouterror": "Error of the automatic payout",
    "scrpayerror": "Error of the payout",
    "cancel": "Canceled",
    "delete": "Deleted",
}


# --- Making ---
def create(context: Context) -> dict[str, Any]:
    """Method create_bid: check everything, keep it, answer with it. Raises Refusal."""
    context.check_open()
    direction = directions.wanted(context)
    found = checks.problems(direction, context.params)
    sums = calculator.sums(
        direction,
        context.amount("calc_amount"),
        context.whole("calc_action"),
        chosen=directions.chosen(direction, context.params),
        worse=context.setting("rate_worse"),
    )
    found |= sums.problems
    api_id = context.text("api_id")[:LONGEST_API_ID]
    texts = ["Some fields are wrong"] if found else []
    if context.setting("dedup") and _is_used(context, api_id):
        texts.append(errors.NOT_UNIQUE)
    if texts:
        if context.setting("hidden_rows"):
            _keep(context, direction, sums, api_id, HIDDEN)
        raise Refusal("<br />".join(texts), "3", found)
    row = _keep(context, direction, sums, api_id, "new")
    witness.became(context.db, transaction_id=row.id, status=row.status, now=context.now)
    return describe(context.provider, row, direction)


def _is_used(context: Context, api_id: str) -> bool:
    """PHP compares the id with 0 as a number: what does not begin with digits above 0 is never looked for."""
    found = WHOLE.match(api_id)
    if not found or int(found[1]) <= 0:
        return False
    return transactions.is_used(context.db, account_id=context.account.id, uniqueid=api_id)


def _keep(
    context: Context, direction: Direction, sums: calculator.Sums, api_id: str, status: str
) -> Transaction:
    names = [str(field["name"]) for field in direction.fields]
    return transactions.accept(
        context.db,
        account=context.account,
        kind=KIND,
        now=context.now,
        params=context.params,
        currency=direction.give.code,
        amount=sums.give_with_fee,
        status=status,
        uniqueid=api_id,
        public_id=secrets.token_urlsafe(12).replace("-", "x").replace("_", "y"),
        number=next_number(context.db, "premium_exchanger.bid"),
        data={
            "direction_id": direction.id,
            "amount_get": plain(sums.get_with_fee),
            "currency_get": direction.get.code,
            "psys_give": direction.give.psys,
            "psys_get": direction.get.psys,
            "course_give": plain(sums.course_give),
            "course_get": plain(sums.course_get),
            "callback_url": context.text("callback_url"),
            "user_ip": context.provider.address(context.request),
            "user_hash": f"u{context.account.id:06x}",
            "fields": {name: context.params[name] for name in names if context.params.get(name)},
        },
    )


# --- Describing ---
def page_url(provider: PremiumExchanger, row: Transaction) -> str:
    """The address of a bid's page."""
    return f"{provider.engine.url}/premium_exchanger/hst_{row.public_id}/"


def describe(provider: PremiumExchanger, row: Transaction, direction: Direction) -> dict[str, Any]:
    """A bid as create_bid and bid_info tell it, in the document's order."""
    return {
        "url": page_url(provider, row),
        "id": str(row.number),
        "hash": row.public_id,
        "status": row.status,
        "status_title": TITLES.get(row.status, row.status),
        "psys_give": row.data["psys_give"],
        "psys_get": row.data["psys_get"],
        "currency_code_give": row.currency,
        "currency_code_get": row.data["currency_get"],
        "amount_give": row.amount,
        "amount_get": Decimal(row.data["amount_get"]),
        "api_actions": _actions(provider, row, direction),
    }


def _actions(provider: PremiumExchanger, row: Transaction, direction: Direction) -> dict[str, Any]:
    """How a bid is paid; one that waits for nothing more is finished."""
    amount = row.amount
    if row.status not in UNPAID:
        closed = {"type": "finished", "cancel": "disabled", "pay": "disabled"}
        return {**closed, "pay_amount": amount, "instruction": ""}
    link = page_url(provider, row)
    ways = {
        "default": ("api", "api", f"Pay <b>{plain(amount)} {row.currency}</b> as agreed."),
        "mypaid": (
            "api",
            "api",
            f"<p>Send <b>{plain(amount)} {row.currency}</b> to<br />{direction.pay_to}</p>",
        ),
        "address": ("api", "disabled", "Send <b>exactly</b> this sum.<script>alert('x')</script>"),
        "link": (f"{link}?do=cancel", f"{link}?do=pay", f'Pay on <a href="{link}">this page</a>.'),
    }
    cancel, pay, instruction = ways.get(direction.way, ways["default"])
    found = {
        "type": direction.way,
        "cancel": cancel,
        "pay": pay,
        "pay_amount": amount,
        "instruction": instruction,
    }
    if direction.pay_to and direction.way in ("mypaid", "address"):
        found["address"] = direction.pay_to
    if direction.tag:
        found["dest_tag"] = direction.tag
    return found


# --- Asking and moving ---
def info(context: Context) -> dict[str, Any]:
    """Method bid_info. A bid of a direction that is switched off does not exist. Raises Refusal."""
    context.check_open()
    row, direction = _one(context)
    return describe(context.provider, row, direction)


def cancel(context: Context) -> Any:
    """Method cancel_bid. Raises Refusal."""
    return _move(context, "cancel", CANCELABLE)


def pay(context: Context) -> Any:
    """Method pay_bid: the owner says that it is paid. Raises Refusal."""
    return _move(context, "payed", UNPAID)


def succeed(context: Context) -> Any:
    """Method success_bid: there is no guard, any bid can be completed. Raises Refusal."""
    return _move(context, "success", None)


def _move(context: Context, status: str, allowed: tuple[str, ...] | None) -> Any:
    context.check_open()
    row, direction = _one(context, with_any_direction=True)
    if row.status != status:
        if allowed is not None and row.status not in allowed:
            raise Refusal(errors.NO_BID)
        if not direction.active:
            raise Refusal(errors.NO_BID)
        wanted = {"cancel": "cancel", "payed": "pay"}.get(status)
        if wanted and _actions(context.provider, row, direction)[wanted] != "api":
            raise Refusal(errors.ACTION_DISABLED)
        row = moves.become(context.provider, context.db, row, status)
    return {"status": row.status} if context.setting("state_shape") == "object" else row.status


def _one(context: Context, *, with_any_direction: bool = False) -> tuple[Transaction, Direction]:
    """The caller's bid of that id or hash; the exchanger's own key sees everybody's. Raises Refusal."""
    row = find(context.db, number=context.whole("id"), hash=context.text("hash"))
    if row is None or row.status == HIDDEN:
        raise Refusal(errors.NO_BID)
    if row.account_id != context.account.id and user_id(context.account) != 0:
        raise Refusal(errors.NO_BID)
    found = context.every_direction().get(row.data["direction_id"])
    if found is None or (not found.active and not with_any_direction):
        raise Refusal(errors.NO_BID)
    return row, found


def find(db: sqlite3.Connection, *, number: int = 0, hash: str = "") -> Transaction | None:
    """A bid by its id, or else by its hash."""
    if number < 1:
        row = transactions.by_public_id(db, hash) if hash else None
        return row if row is not None and row.kind == KIND else None
    query = "select id from transactions where provider = 'premium_exchanger' and kind = ? and number = ?"
    found = db.execute(query, (KIND, number)).fetchone()
    return transactions.by_id(db, found["id"]) if found else None


def direction_of(provider: PremiumExchanger, row: Transaction) -> Direction | None:
    """The direction of a bid, if it still stands in the settings."""
    data = provider.setting("directions").get(row.data["direction_id"])
    return direction(row.data["direction_id"], data, provider.setting("currencies")) if data else None
