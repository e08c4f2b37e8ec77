"""Payers' links: a public address that makes one bill, for the IP address of whoever opens it. Deals floor.

Whoever asks with a wrong token learns nothing. Whoever has a right one learns whether it was used, or is not valid any
more: expired, taken back, or made by somebody who may not bill any more.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import uuid
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from backoffice import audit, permissions
from backoffice.permissions import guarded
from payments.models import Invoice, Method, PayerLink, ProviderAccount
from payments.providers import PROVIDERS

from . import invoice_fields, invoices, spellings

log = structlog.get_logger(__name__)

#: Stands in for the payer's address while the rest of the form is checked; never sent.
SOMEBODY = "8.8.8.8"
#: What whoever made a link must still be allowed to when it is opened.
CREATE = "payments.create_invoice"
#: How often one address may ask in a minute: to look, and to open.
LOOKS, OPENINGS = 60, 10


def has_links(account: ProviderAccount) -> bool:
    """Whether this account's bills are bound to the payer's IP address."""
    return "client_ip" in {field.name for field in PROVIDERS[account.provider].invoice_fields}


def why_no_link(account: ProviderAccount) -> str:
    """Why this account makes no payer's link now, as a sentence; "" if it does."""
    if not has_links(account):
        return _("This provider needs no payer's link.")
    return invoice_fields.why_no_bill(account)


@guarded(CREATE)
def create(
    *, actor: Any, account: ProviderAccount, fields: dict[str, Any], form_token: UUID | None = None
) -> PayerLink:
    """Make a link to a bill that does not exist yet. `fields` as for invoices.create, without `client_ip`.

    The same form (actor and token) twice gives the same link. Raises ValidationError by field; a conversion is not
    possible here, because nobody could approve it before the payer comes.
    """
    earlier = _by_token(actor, form_token)
    if earlier is not None:
        return earlier
    if not has_links(account):
        raise ValidationError(_("This provider needs no payer's link."))
    given = {name: value for name, value in fields.items() if name != "client_ip"}
    if given.get("convert_ticker"):
        raise ValidationError({"convert_ticker": _("With a conversion type the payer's IP address instead.")})
    values = invoice_fields.check(account=account, fields=given | {"client_ip": SOMEBODY})
    token = secrets.token_urlsafe(32)
    try:
        with transaction.atomic():
            link = PayerLink.objects.create(
                uuid=uuid.uuid4(),
                account=account,
                token=token,
                digest=_digest(token),
                fields={name: str(value) for name, value in given.items() if value not in ("", None)},
                amount=values["amount"],
                currency=values["currency"],
                customer=values["customer"],
                form_token=form_token,
                created_by=actor,
                expires_at=timezone.now() + dt.timedelta(hours=settings.PAYER_LINK_HOURS),
            )
            facts = {"amount": str(link.amount), "currency": link.currency, "method": values["method"]}
            audit.record(actor, "payer_link.created", link, **facts)
    except IntegrityError:
        earlier = _by_token(actor, form_token)
        if earlier is None:
            raise
        return earlier
    return link


def _by_token(actor: Any, form_token: UUID | None) -> PayerLink | None:
    if form_token is None:
        return None
    return PayerLink.objects.filter(created_by=actor, form_token=form_token).first()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def address(link: PayerLink) -> str:
    """The absolute public address, to send to the payer. Whoever has it can open it, once."""
    return settings.PUBLIC_URL + reverse("payments:payer_link", args=[link.token])


def is_open(link: PayerLink) -> bool:
    """Whether it has been neither opened nor taken back, and is not too old. Its maker is another question."""
    return link.used_at is None and link.withdrawn_at is None and link.expires_at > timezone.now()


def maker_may(link: PayerLink) -> bool:
    """Whether whoever made it may still bill: is active, and has a role for it. Reads the database each time."""
    return bool(permissions.TABLE[CREATE] & permissions.roles(link.created_by))


def with_makers(links: QuerySet[PayerLink]) -> QuerySet[PayerLink]:
    """The same links, each knowing as `maker_may` whether its maker may still bill."""
    makers = get_user_model()._default_manager.filter(
        pk=OuterRef("created_by"), is_active=True, groups__name__in=permissions.TABLE[CREATE]
    )
    return links.annotate(maker_may=Exists(makers))


@guarded(CREATE)
@transaction.atomic
def withdraw(*, actor: Any, link: PayerLink) -> PayerLink:
    """Take a link back before it is opened. Raises ValidationError."""
    locked = PayerLink.objects.select_for_update().get(pk=link.pk)
    if not is_open(locked):
        raise ValidationError(_("It was opened, has expired or was taken back already."))
    locked.withdrawn_at = timezone.now()
    locked.save(update_fields=["withdrawn_at"])
    audit.record(actor, "payer_link.withdrawn", locked)
    return locked


# --- The public side ---
def is_too_often(ip: str, *, opening: bool = False) -> bool:
    """Count one more try of this address; whether it has had its share of this minute.

    Without the cache nobody is counted: a token has 256 bits, and a payer who cannot pay is worse than a futile guess.
    """
    minute = int(timezone.now().timestamp() // 60)
    key = f"payer:{'open' if opening else 'look'}:{hashlib.sha256(ip.encode()).hexdigest()[:24]}:{minute}"
    try:
        cache.add(key, 0, timeout=120)
        return cache.incr(key) > (OPENINGS if opening else LOOKS)
    except (RedisError, OSError) as error:
        log.warning("payer.not_counted", error=type(error).__name__)
        return False


def find(token: str) -> PayerLink | None:
    """The link of this token, whatever became of it."""
    links = PayerLink.objects.select_related("account", "created_by", "invoice__reference")
    return links.filter(digest=_digest(token)).first()


def is_mine(link: PayerLink, opened: str) -> bool:
    """Whether it was opened from just this browser (`opened`: the mark that it carries)."""
    return link.used_at is not None and secrets.compare_digest(
        opened.encode(errors="replace"), mark(link).encode()
    )


def mark(link: PayerLink) -> str:
    """What the browser that opened it carries, to see its bill again."""
    return hashlib.sha256(f"{link.uuid}:{link.digest}:opened".encode()).hexdigest()


def method_title(link: PayerLink) -> str:
    """How the payer is to pay, as the account's payment methods name it."""
    code = spellings.plain(link.fields).get("paysys", "")
    known = Method.objects.filter(account=link.account, code=code).values_list("title", flat=True).first()
    return known or link.fields.get("network", "")


def open_for(*, token: str, ip: str) -> PayerLink | None:
    """Make the bill, for this payer's address. None: there is nothing to open (any more), or its maker may not bill any
    more. Raises ValidationError if it cannot be made for this address or at the moment; the link can be opened again then.
    """
    link = find(token)
    if link is None or not is_open(link) or not maker_may(link):
        return None
    values = invoice_fields.check(account=link.account, fields=link.fields | {"client_ip": ip})
    with transaction.atomic(durable=True):
        locked = (
            PayerLink.objects.select_for_update(of=("self",))
            .select_related("account", "created_by")
            .get(pk=link.pk)
        )
        if not is_open(locked) or not maker_may(locked):  # somebody was quicker
            return None
        bill = invoices.add(account=locked.account, values=values, created_by=locked.created_by)
        locked.used_at, locked.invoice = timezone.now(), bill
        locked.save(update_fields=["used_at", "invoice"])
        audit.record(None, "payer_link.opened", locked, way=audit.Way.SYSTEM, invoice=bill.reference.value)
    return locked


def is_payable(link: PayerLink) -> bool:
    """Whether the payer may be sent on to pay."""
    bill = link.invoice
    return (
        bill is not None
        and bill.status == Invoice.Status.OPEN
        and bill.reference.held_at is None
        and bill.claimed_paid_at is None
        and bill.payment_url != ""
    )
