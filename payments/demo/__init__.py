"""The demo month of payments: accounts at all four simulated providers, what they are used for, and what goes wrong.

Scenes for `manage.py demo`; every one goes through the services and the simulated provider.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import partial

from backoffice.kit.office import Scene, Stage

from .batches import salaries
from .bills import bills
from .coin_payouts import coin_payouts
from .coins import coin_desk
from .company import PAYOUTS, SHOP, Company
from .ending import closes, today, troubles
from .exchanging import exchange
from .opening import open_accounts
from .partnering import partner_programme
from .payouts import pays

__all__ = ["PAYOUTS", "SHOP", "plot"]


def plot(stage: Stage) -> Iterable[Scene]:
    """All scenes of the month."""
    company = Company(stage)
    yield Scene(stage.begin, partial(open_accounts, company))
    for day in range(1, (stage.end - stage.begin).days + 1):
        morning = stage.begin + dt.timedelta(days=day)
        yield from bills(company, morning, many=stage.chance.choice([1, 2, 2, 3, 4]))
        if day % 2 == 0:
            yield from pays(company, morning, many=stage.chance.choice([1, 1, 2]))
        yield from reads_balances(company, morning)
    for part in (coin_desk, coin_payouts, exchange, partner_programme, salaries):
        yield from part(company)
    yield from troubles(company)
    yield from today(company)
    yield Scene(stage.end - dt.timedelta(seconds=20), partial(closes, company))


def reads_balances(company: Company, morning: dt.datetime) -> Iterable[Scene]:
    for hour in (7, 20):
        yield Scene(morning.replace(hour=hour, minute=0), company.read_balances)
