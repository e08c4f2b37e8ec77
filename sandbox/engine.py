"""The sandbox without its sockets: ledger, clock, settings, faults, callbacks and providers, put together,
and the one thread that lets time pass. Holds no provider's rules."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox import accounts, transactions
from sandbox.bitexbit.provider import Bitexbit
from sandbox.bitloga.provider import Bitloga
from sandbox.callbacks import Callbacks
from sandbox.clock import Clock
from sandbox.coinjoin.provider import Coinjoin
from sandbox.faults import Faults
from sandbox.ledger import Ledger, empty
from sandbox.premium_exchanger.provider import PremiumExchanger
from sandbox.provider import Provider
from sandbox.settings import Settings
from sandbox.traffic import Traffic

PROVIDERS: tuple[type[Provider], ...] = (Bitloga, PremiumExchanger, Bitexbit, Coinjoin)
DEMO = "demo"
LONGEST_WAIT = 60.0
logger = logging.getLogger("sandbox")


class Engine:
    """All parts of one sandbox. `url` is where its server listens, without a slash at the end."""

    def __init__(self, *, ledger: Path | str, speed: float = 1.0) -> None:
        self.url = ""
        self.stopping = threading.Event()
        self.errors: list[Exception] = []  # what nobody ordered
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None
        self.ledger = Ledger(ledger, schemas=[kind.schema for kind in PROVIDERS])
        self.settings = Settings(self.ledger, {kind.name: kind.settings for kind in PROVIDERS})
        self.clock = Clock(speed=speed, offset=self._kept_offset())
        self.faults = Faults(self.clock)
        self.traffic = Traffic()
        self.callbacks = Callbacks(self)
        self.providers: Mapping[str, Provider] = {kind.name: kind(self) for kind in PROVIDERS}
        with self.ledger.transaction() as db:
            for provider in self.providers.values():
                if accounts.by_name(db, provider=provider.name, name=DEMO) is None:
                    accounts.create(
                        db,
                        provider=provider.name,
                        name=DEMO,
                        balances=provider.opening_balances,
                        now=self.timestamp(),
                    )

    # --- Time ---
    def timestamp(self) -> str:
        """Sandbox time as text: ISO 8601 in UTC with microseconds; these texts sort by time."""
        return self.clock.now().isoformat(timespec="microseconds")

    def _kept_offset(self) -> float:
        with self.ledger.transaction() as db:
            row = db.execute("select value from settings where provider = '' and name = 'offset'").fetchone()
        return float(row["value"]) if row else 0.0

    def advance(self, seconds: float) -> None:
        """Move time on; what falls due by that has happened when this returns, callbacks have begun."""
        self.clock.advance(seconds)
        with self.ledger.transaction() as db:
            db.execute(
                "insert into settings (provider, name, value) values ('', 'offset', ?)"
                " on conflict (provider, name) do update set value = excluded.value",
                (str(self.clock.offset),),
            )
        self.tick()
        self.wake()

    def tick(self) -> float | None:
        """Let everything happen that is due; the stamp of what comes next, or None."""
        with self.ledger.transaction() as db:
            while rows := transactions.due(db, self.clock.stamp()):
                for row in rows:
                    self.providers[row.provider].move(db, row, row.due_verb, {})
            self.callbacks.start_due(db)
            following = [transactions.next_due(db), self.callbacks.next_due(db)]
        return min((stamp for stamp in following if stamp is not None), default=None)

    def start(self) -> None:
        """Start the thread that lets time pass."""
        self._thread = threading.Thread(target=self._run, name="sandbox-clock", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self.stopping.is_set():
            self._woken.clear()
            try:
                following = self.tick()
            except Exception as error:
                logger.exception("the sandbox's clock stumbled")
                self.errors.append(error)
                following = None
            pause = LONGEST_WAIT if following is None else following - self.clock.stamp()
            self._woken.wait(min(max(pause, 0.01), LONGEST_WAIT))

    def wake(self) -> None:
        """Something may be due earlier than the thread thinks."""
        self._woken.set()

    def settle(self, timeout: float = 10.0) -> bool:
        """Wait until nothing is due and no callback is under way; False if that takes longer."""
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            self.tick()
            if not self.callbacks.settle(left):
                return False
            following = self.tick()
            if not self.callbacks.is_busy() and (following is None or following > self.clock.stamp()):
                return True
        return False

    def stop(self) -> None:
        """Stop the threads and close the ledger."""
        self.stopping.set()
        self.wake()
        if self._thread is not None:
            self._thread.join(5)
        self.callbacks.stop()
        self.ledger.close()

    # --- Starting over ---
    def reset(self, *, keep_accounts: bool = True) -> None:
        """Forget all transactions, callbacks, faults, settings and moved time. Accounts keep their keys and
        get their first balances back; without `keep_accounts` only the demo account stays."""
        self.faults.cancel()
        self.traffic.clear()
        self.clock.offset = 0.0
        with self.ledger.transaction() as db:
            empty(db, tables=[table for provider in self.providers.values() for table in provider.tables])
            if not keep_accounts:
                db.execute("delete from accounts where name <> ?", (DEMO,))
            for provider in self.providers.values():
                for account in accounts.every(db, provider=provider.name):
                    accounts.open_balances(db, account=account, now=self.timestamp())
        self.settings.read()

    def pick_provider(self, name: str) -> Provider | None:
        """The provider of that name; without a name the first one."""
        return self.providers.get(name or next(iter(self.providers)))

    def as_json(self) -> dict[str, Any]:
        """The clock as the control API shows it."""
        return {
            "now": self.timestamp(),
            "offset_seconds": self.clock.offset,
            "speed": self.clock.speed,
        }
