"""Our accounts at providers: making and changing them, their keys, the connection test, what they may do now.

Facts floor. Secrets go in here and are never given back.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice import audit
from backoffice.kit.fields import SecretUnreadable
from backoffice.models import AuditEntry
from backoffice.permissions import guarded
from payments.models import AccountHealth, ExceptionItem, ProviderAccount, Tracked
from payments.providers import PROVIDERS, offers
from payments.providers.base import Probe, ProbeReport
from payments.providers.batches import BatchPayouts
from payments.providers.errors import Invalid, NotSupported, ProviderError, Unavailable
from payments.providers.hosts import check_base_url

from . import approvals, callback_tokens, calls, exceptions, freeze, health, methods

OPTIONS = (
    *("is_active", "money_in", "money_out", "rate_limit", "invoice_lifetime_days", "reserve_margin"),
    *("voucher_free_amount", "voucher_free_currency", "split_handover"),
    *("rate_tolerance", "bitcoin_network", "batch_lifetime_hours"),
)


def _checked_url(base_url: str) -> str:
    try:
        check_base_url(base_url, settings.PROVIDER_INTERNAL_HOSTS)
    except Invalid as error:
        raise ValidationError({"base_url": calls.explain(error)}) from error
    return base_url if base_url.endswith("/") else base_url + "/"


def _checked_credentials(provider: str, credentials: dict[str, str]) -> dict[str, str]:
    known = {field.name: field for field in PROVIDERS[provider].credentials}
    errors = {name: _("This provider has no such key.") for name in credentials.keys() - known.keys()}
    for name, field in known.items():
        value = credentials.get(name, "")
        if field.required and not value:
            errors[name] = _("This is needed.")
        if value != value.strip() or any(ord(letter) < 33 for letter in value):
            errors[name] = _("There is a space or a line break in it. Copy it again.")
    if errors:
        raise ValidationError(errors)
    return {name: credentials[name] for name in known if credentials.get(name)}


def check(*, provider: str, base_url: str, credentials: dict[str, str] | None) -> None:
    """The checks of `create` and `change` without their effects. Raises ValidationError with all fields."""
    errors: dict[str, Any] = {}
    if provider not in PROVIDERS:
        raise ValidationError({"provider": _("There is no such provider.")})
    for step, values in ((_checked_url, (base_url,)), (_checked_credentials, (provider, credentials))):
        try:
            if None not in values:
                step(*values)
        except ValidationError as error:
            errors |= error.error_dict
    if errors:
        raise ValidationError(errors)


def _stored(account: ProviderAccount) -> dict[str, str]:
    try:
        return ProviderAccount.objects.get(pk=account.pk).keys
    except SecretUnreadable:  # another key ring wrote them: they can only be entered again
        return {}


def stored_keys(account: ProviderAccount) -> frozenset[str]:
    """The names of the keys that are stored and can be read. Never their values."""
    return frozenset(name for name, value in _stored(account).items() if value)


def stored_plain(account: ProviderAccount) -> dict[str, str]:
    """What is stored and no secret, such as a language, by name."""
    plain = {field.name for field in PROVIDERS[account.provider].credentials if not field.secret}
    return {name: value for name, value in _stored(account).items() if name in plain and value}


def completed(*, account: ProviderAccount, typed: dict[str, str], base_url: str) -> dict[str, str]:
    """What was typed over what is stored: all keys, as `check` and `change` take them. Never shown.

    Stored keys do not follow to another server: if the base URL points elsewhere, only what was typed counts.
    """
    stands = ProviderAccount.objects.values_list("base_url", flat=True).get(pk=account.pk)
    return typed if _place(base_url) != _place(stands) else _stored(account) | typed


def _checked_options(account: ProviderAccount, options: dict[str, Any]) -> dict[str, Any]:
    unknown = options.keys() - set(OPTIONS)
    if unknown:
        raise ValidationError(_("Unknown option: %(names)s") % {"names": ", ".join(sorted(unknown))})
    for name, value in options.items():
        setattr(account, name, value)
    return options


@guarded("payments.manage_provideraccount", system=True)
def create(
    *, actor: Any, provider: str, name: str, base_url: str, credentials: dict[str, str], **options: Any
) -> ProviderAccount:
    """Add an account with its payment methods and its callback address. Money-out starts switched off.

    Raises ValidationError by field (`provider`, `name`, `base_url`, the credentials' names).
    """
    if provider not in PROVIDERS:
        raise ValidationError({"provider": _("There is no such provider.")})
    account = ProviderAccount(provider=provider, name=name.strip(), base_url=_checked_url(base_url.strip()))
    account.credentials = json.dumps(_checked_credentials(provider, credentials))
    _checked_options(account, options)
    account.full_clean()
    with transaction.atomic():
        account.save()
        AccountHealth.objects.create(account=account)
        methods.prefill(account=account)
        callback_tokens.new_token(account)
        audit.record(
            actor,
            "account.created",
            account,
            way=audit.Way.STAFF if actor else audit.Way.SYSTEM,
            provider=provider,
            base_url=account.base_url,
            **{key: str(value) for key, value in options.items()},
        )
    return account


@guarded("payments.manage_provideraccount")
def change(
    *,
    actor: Any,
    account: ProviderAccount,
    name: str | None = None,
    base_url: str | None = None,
    credentials: dict[str, str] | None = None,
    batches_on: bool | None = None,
    batches_note: str = "",
    **options: Any,
) -> ProviderAccount:
    """Change an account. `credentials` replaces all keys; None keeps them. Switching batch payouts on needs a note
    why, which stays in the audit trail; switching them off needs none.

    A base URL on another scheme, host or port clears the keys in the same save unless new ones come with it; that is
    audited and opens an item that every admin sees.
    Raises ValidationError by field.
    """
    # The host's name is looked up before the transaction begins.
    new_url = None if base_url is None else _checked_url(base_url.strip())
    with transaction.atomic():
        locked = ProviderAccount.objects.select_for_update().get(pk=account.pk)
        before = {field: str(getattr(locked, field)) for field in ("name", "base_url", *OPTIONS)}
        moved = False
        if name is not None:
            locked.name = name.strip()
        if new_url is not None and new_url != locked.base_url:
            moved = _place(new_url) != _place(locked.base_url)
            locked.base_url = new_url
            if moved:
                locked.credentials = ""
        if credentials is not None:
            locked.credentials = json.dumps(_checked_credentials(locked.provider, credentials))
        _checked_options(locked, options)
        locked.full_clean()
        locked.save()
        after = {field: str(getattr(locked, field)) for field in before}
        changed = {field: [before[field], after[field]] for field in before if before[field] != after[field]}
        if credentials is not None or moved:
            health.forget(locked)
        if changed or credentials is not None:
            audit.record(
                actor, "account.changed", locked, changed=changed, keys_replaced=credentials is not None
            )
        if batches_on is not None and batches_on != locked.batches_on:
            _switch_batches(actor, locked, batches_on, batches_note)
        if moved:
            approvals.void_account(account=locked, reason=_("The account now points to another address."))
            audit.record(actor, "account.moved", locked, changed={"base_url": changed["base_url"]})
            exceptions.open_item(
                kind=ExceptionItem.Kind.ACCOUNT_MOVED,
                key=f"{locked.pk}:{timezone.now():%Y%m%d%H%M%S%f}",
                title=_("%(name)s now points to another address. Its keys were cleared.")
                % {"name": locked.name},
                account=locked,
                base_url=changed["base_url"],
            )
    return locked


def _switch_batches(actor: Any, locked: ProviderAccount, on: bool, note: str) -> None:
    note = (note or "").strip()
    if on and not offers(locked.provider, BatchPayouts):
        raise ValidationError({"batches_on": _("This provider has no batch payouts.")})
    if on and not note:
        raise ValidationError({"batches_note": _("Write why batch payouts are switched on.")})
    locked.batches_on = on
    locked.save(update_fields=["batches_on", "updated_at"])
    audit.record(actor, "account.batches_on" if on else "account.batches_off", locked, note=note[:2000])


def _place(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port
    except ValueError:  # no address at all: nowhere that keys may go
        return url, None, None


def keys_replaced_since(*, account: ProviderAccount, moment: dt.datetime) -> bool:
    """Whether an admin has entered other keys since then: the provider may know us as another customer now."""
    return AuditEntry.objects.filter(
        verb="account.changed",
        object_type=account._meta.label_lower,
        object_id=str(account.pk),
        at__gte=moment,
        facts__keys_replaced=True,
    ).exists()


@guarded("payments.probe_provideraccount")
def probe(*, actor: Any, account: ProviderAccount) -> ProbeReport:
    """Test the connection: one read call with a limit of 5 s for the connection. Raises ProviderError as it is.

    The report tells the balances, that the signature was accepted, and our clock against theirs (ms).
    """
    client = calls.client(account, priority="probe")
    if not isinstance(client, Probe):
        raise NotSupported("probe")
    outcome = "ok"
    try:
        report = client.check()
    except ProviderError as error:
        outcome = type(error).__name__
        raise
    finally:
        with transaction.atomic():
            audit.record(actor, "account.probed", account, outcome=outcome)
    note_facts(account=account, facts=report.facts)
    return report


# --- What the provider says about us ---
def note_facts(*, account: ProviderAccount, facts: Mapping[str, str]) -> None:
    """Keep what a test of the connection told about us (our address as they see it, user, ...), with its time."""
    if not facts:
        return
    with transaction.atomic():
        health = AccountHealth.objects.select_for_update().get(account=account)
        health.facts = health.facts | {"test": dict(facts), "tested_at": timezone.now().isoformat()}
        health.save(update_fields=["facts"])


def facts_older_than(account: ProviderAccount, age: dt.timedelta) -> bool:
    """Whether the last such test is older than this, or there was none."""
    told = account.health.facts.get("tested_at", "")
    return not told or dt.datetime.fromisoformat(told) < timezone.now() - age


def note_success_flag(*, account: ProviderAccount, contradictions: list[bool]) -> None:
    """Count how often a flag of the provider contradicted its document. It is shown, and nothing is decided by it."""
    if not contradictions:
        return
    with transaction.atomic():
        health = AccountHealth.objects.select_for_update().get(account=account)
        counted = health.facts.get("success_flag", {"contrary": 0, "documented": 0})
        contrary = sum(contradictions)
        health.facts = health.facts | {
            "success_flag": {
                "contrary": counted["contrary"] + contrary,
                "documented": counted["documented"] + len(contradictions) - contrary,
            }
        }
        health.save(update_fields=["facts"])


# --- What it may do now ---
def why_no_money_out(account: ProviderAccount) -> str:
    """Why this account may not send money now, as a sentence; empty if it may. Asks nobody."""
    if not account.is_active:
        return _("This account is switched off.")
    if not account.money_out:
        return _("Money out is switched off for this account.")
    if not account.credentials:
        return _("This account has no keys. An admin must enter them.")
    if ExceptionItem.objects.filter(
        account=account, kind=ExceptionItem.Kind.OVER_DEBIT, status="open"
    ).exists():
        return _("More was debited than approved. Close that exception first.")
    return ""


def why_no_conversion(account: ProviderAccount) -> str:
    """Why nothing may be made now for which the provider places orders; empty if it may. Asks nobody."""
    if freeze.stops(account.pk):
        return _("Sending is frozen.")
    return why_no_money_out(account)


def check_conversion(*, row: Tracked, digest: str) -> None:
    """The last look before bytes leave for which the provider places orders: raise Unavailable while sending is frozen,
    the account may not pay out, or nobody's yes to just this `digest` stands. Reads the account anew.
    """
    freeze.check(row.account_id)
    if why_no_money_out(ProviderAccount.objects.get(pk=row.account_id)):
        raise Unavailable("may not pay out", staff=gettext_noop("This account may not pay out any more."))
    if approvals.why_not(reference=row.reference, digest=digest):
        raise Unavailable("not approved", staff=gettext_noop("The approval does not hold any more."))


def why_no_batches(account: ProviderAccount) -> str:
    """Why no batch payout may be made at this account now, nor its deposit be paid; empty if it may. Asks nobody."""
    if not offers(account.provider, BatchPayouts):
        return _("This provider has no batch payouts.")
    if not account.batches_on:
        return _(
            "Batch payouts are switched off for this account. An admin can switch them on, with a note why."
        )
    return why_no_money_out(account)
