"""Our part in exchangers' partner programmes: the balance, what it is made of, links and payouts there. Deals floor.

Rewards are booked once the exchanger says that they are accrued. Nothing is sent from here.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.forms.models import model_to_dict
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice import audit
from backoffice.kit import money, wake
from backoffice.permissions import guarded
from payments.models import ExceptionItem, Movement, PartnerExchange, PartnerProgram, ProviderAccount
from payments.providers import offering, windows
from payments.providers.bids import Page
from payments.providers.errors import NotSupported, ProviderError
from payments.providers.partner import Partner, PartnerLink, PartnerPayoutReport, PartnerReport
from payments.providers.partner import PartnerExchange as Told
from payments.providers.redaction import mask_account

from . import bad_rows, balances, calls, directions, exceptions, movements

EVERY = dt.timedelta(minutes=10)
SHOWN = 100
# Exchangers' times have no zone: a window is wider on both sides than the world's clocks differ.
ZONES = dt.timedelta(hours=26)


def due_accounts() -> list[int]:
    """The accounts whose programme is older than it should be."""
    recent = PartnerProgram.objects.filter(tried_at__gt=timezone.now() - EVERY).values("account_id")
    return list(
        ProviderAccount.objects.filter(is_active=True, provider__in=offering(Partner))
        .exclude(pk__in=recent)
        .exclude(credentials="")
        .values_list("pk", flat=True)
    )


def refresh(*, account_id: int, priority: str = "poll") -> PartnerProgram:
    """Read balance, exchanges, links and payouts. Raises ProviderError as it is; then the row says so and stays."""
    account = ProviderAccount.objects.get(pk=account_id)
    program, _new = PartnerProgram.objects.get_or_create(account=account)
    asked_at = timezone.now()
    # Written first: a worker that is stopped over a long list must not begin again at once.
    PartnerProgram.objects.filter(pk=program.pk).update(tried_at=asked_at)
    try:
        client = calls.client(account, priority=priority)
        if not isinstance(client, Partner):
            raise NotSupported("partner")
        exchanges = all_exchanges(client)  # before the balance: what is accrued here is in it
        report = client.info()
        payouts = all_payouts(client)
        links = client.links(limit=SHOWN)
    except ProviderError as error:
        PartnerProgram.objects.filter(pk=program.pk).update(last_error=calls.explain(error)[:300])
        raise
    _keep(account, report, payouts.page, links, asked_at)
    _take_exchanges(account, exchanges.page, asked_at)
    _tell_cut(account, exchanges, _("exchanges"))
    _tell_cut(account, payouts, _("payouts"))
    if exchanges.has_stopped or payouts.has_stopped:
        told = _("Its lists are long and could not be read to their ends this time.")
        PartnerProgram.objects.filter(pk=program.pk).update(last_error=told)
    balance = directions.kept(report.balance)
    program.refresh_from_db()
    if balance is not None:
        balances.keep(account=account, balances={program.currency: balance}, asked_at=asked_at)
    return program


def all_exchanges(client: Partner) -> windows.Whole[Told]:
    """The whole list of exchanges there. Raises ProviderError."""
    return windows.read(client.exchanges, lambda row: row.bid.provider_id, until=_until(), rows=windows.ROWS)


def all_payouts(client: Partner) -> windows.Whole[PartnerPayoutReport]:
    """The whole list of payouts there. Raises ProviderError."""
    return windows.read(client.payouts, lambda row: row.provider_id, until=_until(), rows=windows.ROWS)


def _until() -> int:
    return int((timezone.now() + ZONES).timestamp())


def _tell_cut(account: ProviderAccount, whole: windows.Whole[Any], what: str) -> None:
    """Lines that no question shows are for a person: one item for each list."""
    if not whole.full and not whole.is_cut:
        return
    names = {"account": account.name, "what": what, "n": windows.ROWS}
    if whole.full:
        moment = dt.datetime.fromtimestamp(whole.full[0], dt.UTC)
        names["when"] = f"{moment:%Y-%m-%d %H:%M:%S}"
        title = _(
            "%(account)s: the partner programme has more than %(n)d %(what)s of one moment (%(when)s by its clock). "
            "An answer shows no more: the rest cannot be read here. Compare it with the exchanger."
        )
    else:
        title = _(
            "%(account)s: the list of %(what)s of the partner programme is longer than can be read. "
            "Compare it with the exchanger."
        )
    with transaction.atomic():
        exceptions.open_item(
            kind=ExceptionItem.Kind.BAD_ROW,
            key=f"partner-list:{account.pk}:{'moment' if whole.full else 'cut'}:{what}",
            title=title % names,
            account=account,
            way=audit.Way.POLL,
        )


def _keep(
    account: ProviderAccount,
    report: PartnerReport,
    payouts: Page[PartnerPayoutReport],
    links: Page[PartnerLink],
    asked_at: dt.datetime,
) -> None:
    with transaction.atomic():
        program = PartnerProgram.objects.select_for_update().get(account=account)
        if program.asked_at is not None and program.asked_at >= asked_at:
            return
        program.partner_id = report.partner_id
        program.balance = directions.kept(report.balance)
        program.min_payout = directions.kept(report.min_payout)
        if not program.currency:  # a balance and its books stand under it from now on
            program.currency = _currency(payouts)
        program.methods = [
            {
                "id": one.id,
                "title": one.title,
                "commission": one.commission,
                "amount": "" if one.amount is None else money.plain(one.amount),
            }
            for one in report.methods
        ]
        program.payouts = [_payout(one) for one in payouts.rows[:SHOWN]]
        program.links = [_link(one) for one in links.rows[:SHOWN]]
        program.asked_at = program.tried_at = asked_at
        program.last_error = ""
        program.save()
    for page, title in ((payouts, _("payouts")), (links, _("links"))):
        _set_aside(account, page.unreadable, title)
    _set_aside(account, report.unreadable, _("ways to be paid out"))


def _set_aside(account: ProviderAccount, lines: tuple[Any, ...], what: str) -> None:
    for raw in lines:
        title = _("%(account)s: a line of the partner programme (%(what)s) could not be read.")
        bad_rows.set_aside(account=account, raw=raw, title=title % {"account": account.name, "what": what})


def _currency(payouts: Page[PartnerPayoutReport]) -> str:
    """What the balance is in: no answer says it but that of a payout. Once named it stays, also where none has told it."""
    told = next((one.original_currency for one in payouts.rows if one.original_currency), "")
    return told[:16] or PartnerProgram.UNTOLD


def _payout(one: PartnerPayoutReport) -> dict[str, str]:
    return {
        "id": one.provider_id,
        "status": one.status or "",
        "word": one.provider_status,
        "method": one.method_id,
        "account": mask_account(one.account[:80]),
        "amount": money.plain(one.pay_amount),
        "currency": one.pay_currency,
        "date": one.date_text or one.time_text,
    }


def _link(one: PartnerLink) -> dict[str, str]:
    return {
        "date": one.date_text or one.time_text,
        "referrer": one.referrer[:300],
        "browser": one.browser[:200],
        "ip": one.ip,
        "query": one.query_string[:300],
    }


# --- Rewards ---
def _take_exchanges(account: ProviderAccount, page: Page[Told], asked_at: dt.datetime) -> None:
    """Keep each exchange once and book its reward once it is accrued; what was accrued at first is in the opening."""
    _set_aside(account, page.unreadable, _("exchanges"))
    with transaction.atomic():
        program = PartnerProgram.objects.select_for_update().get(account=account)
        is_first = program.opened_at is None
        known = {
            one.provider_id: one
            for one in PartnerExchange.objects.select_for_update().filter(
                account=account, provider_id__in=[row.bid.provider_id for row in page.rows]
            )
        }
        for row in page.rows:
            _take(account, program, known.get(row.bid.provider_id), row, is_first=is_first)
        if is_first:
            program.opened_at = asked_at
            program.save(update_fields=["opened_at"])


def _take(
    account: ProviderAccount,
    program: PartnerProgram,
    known: PartnerExchange | None,
    row: Told,
    *,
    is_first: bool,
) -> None:
    bid = row.bid
    give, got = directions.kept(bid.amount_give), directions.kept(bid.amount_get)
    if give is None or got is None:
        _set_aside(account, (dict(bid.raw),), _("exchanges"))
        return
    exchange = known or PartnerExchange(account=account, provider_id=bid.provider_id)
    before = model_to_dict(exchange)
    exchange.provider_status = bid.provider_status[:64]
    exchange.give_system, exchange.get_system = bid.give_system[:200], bid.get_system[:200]
    exchange.give_currency, exchange.get_currency = bid.give_currency, bid.get_currency
    exchange.amount_give, exchange.amount_get = give, got
    exchange.time_text = (bid.date_text or bid.time_text)[:200]
    if exchange.is_booked and row.accrued is False:
        exceptions.open_item(
            kind=ExceptionItem.Kind.TAKEN_BACK,
            key=f"reward:{account.pk}:{bid.provider_id}",
            title=_("The reward of exchange %s was accrued, and is not any more.") % bid.provider_id,
            account=account,
            way=audit.Way.POLL,
        )
    exchange.is_accrued = row.accrued
    exchange.reward = directions.kept(row.reward) if row.reward is not None else exchange.reward
    if row.accrued and not exchange.is_booked and exchange.reward:
        exchange.is_booked = True
        if not is_first:
            movements.book(
                key=f"partner-reward:{account.uuid}:{bid.provider_id}",
                account=account,
                kind=Movement.Kind.PARTNER_REWARD,
                currency=program.currency,
                amount=exchange.reward,
                way=audit.Way.POLL,
                label=_("exchange %s") % bid.provider_id,
            )
    if known is None or model_to_dict(exchange) != before:  # a long list is read every few minutes
        exchange.save()


@guarded("payments.refresh_partnerprogram")
def ask_now(*, actor: Any, account: ProviderAccount) -> None:
    """Let a worker read the programme of this account now."""
    wake.later("payments.refresh_partner", account.pk)
