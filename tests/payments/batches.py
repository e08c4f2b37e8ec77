"""Batch payouts that tests start from, at the sandbox: through the services."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

from payments.models import BatchPayout, Method, ProviderAccount
from payments.services import accounts, balances, batch_payouts, stated_methods
from tests import factories

# The vectors of BIP 173 and 350, two well-known addresses, and one of the test network from the document.
SEGWIT = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
TAPROOT = "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"
LEGACY = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"
SCRIPT = "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"
TEST = "n3PdePLBgEeTYk4nAhcbehsnjvr1i3LyYS"
ROWS = f"{SEGWIT} 0.001\n{LEGACY} 0.002"
WHY = "Salaries in BTC, agreed with compliance."
_numbers = itertools.count(1)


def account(box: Any, *, on: bool = True, **options: Any) -> ProviderAccount:
    """A coinjoin account of ours at the sandbox, with batch payouts switched on."""
    name = f"join {next(_numbers)}"
    keys = box.control("coinjoin/accounts", {"name": name})
    say(box, max_delay=8784)  # tests tell their batches apart by the delay
    made = accounts.create(
        actor=None,
        provider="coinjoin",
        name=name,
        base_url=keys["base_url"],
        credentials={"api_key": keys["api_key"], "secret_key": keys["secret_key"]},
        **{"rate_limit": "500", "money_out": True, **options},
    )
    return switched(made, True) if on else made


def switched(account: ProviderAccount, on: bool) -> ProviderAccount:
    return accounts.change(
        actor=factories.person("admin"), account=account, batches_on=on, batches_note=WHY if on else ""
    )


def payer(box: Any) -> ProviderAccount:
    """A bitloga account that can pay BTC to an address, with a known fee."""
    made = factories.account(box, rate_limit="500", money_out=True)
    methods = box.control("settings", method="GET")["bitloga"]["methods"]
    coin = methods["BTC"] | {"operations": [*methods["BTC"]["operations"], "withdraw"]}
    box.control("settings", {"provider": "bitloga", "methods": methods | {"BTC": coin}})
    Method.objects.filter(account=made, code="BTC").update(
        for_withdrawal=True, fee_fixed=Decimal("0.0001"), fee_rate=Decimal(0)
    )
    balances.refresh(account_id=made.pk)
    return made


def listing_payer(box: Any) -> ProviderAccount:
    """A bitexbit account at the sandbox that can pay BTC: its methods are listed, its balance is computed."""
    name = f"exbit {next(_numbers)}"
    keys = box.control("bitexbit/accounts", {"name": name})
    made = accounts.create(
        actor=None,
        provider="bitexbit",
        name=name,
        base_url=keys["base_url"],
        credentials={"api_key": keys["api_key"], "api_secret": keys["api_secret"]},
        rate_limit="500",
        money_out=True,
    )
    stated_methods.refresh(account_id=made.pk)
    balances.set_opening(
        actor=factories.person("admin"), account=made, currency="BTC", amount="1.5", note="its page"
    )
    return made


def ask(account: ProviderAccount, actor: Any, **changed: Any) -> BatchPayout:
    fields = {"delay": "2", "payouts": ROWS, "_confirm_similar": True} | changed
    return batch_payouts.request(actor=actor, account=account, fields=fields)


def approved(account: ProviderAccount, people: dict[str, Any], **changed: Any) -> BatchPayout:
    asked = ask(account, people["operator"], **changed)
    return batch_payouts.approve(actor=people["approver"], batch_payout=asked)


def created(account: ProviderAccount, people: dict[str, Any], **changed: Any) -> BatchPayout:
    """One that the sandbox has made and that waits for its deposit."""
    made = approved(account, people, **changed)
    batch_payouts.submit(batch_payout_id=made.pk)
    made.refresh_from_db()
    return made


def orders(box: Any, account: ProviderAccount) -> list[dict[str, Any]]:
    """The witness: every order that the sandbox accepted from this account."""
    return box.control("coinjoin/transactions", {"account": account.name}, method="GET")["transactions"]


def move(box: Any, batch: BatchPayout, verb: str, **data: Any) -> None:
    box.control(f"coinjoin/transactions/{batch.provider_id}/{verb}", data)


def say(box: Any, **settings: Any) -> None:
    box.control("settings", {"provider": "coinjoin", **settings})


def fault(box: Any, mode: str, *, action: str = "createTransaction", count: int = 1, **more: Any) -> None:
    box.control("faults", {"provider": "coinjoin", "action": action, "mode": mode, "count": count, **more})


def look(batch: BatchPayout) -> BatchPayout:
    batch_payouts.refresh(batch_payout_id=batch.pk, priority="read")
    batch.refresh_from_db()
    return batch
