"""The one page that a payer sees: who asks, how much, by which way, a button, and the way on to pay. No login.

Nothing else of ours is told. Whoever comes with a wrong address gets "not found"; with a right one that is over, why.
"""

from __future__ import annotations

from typing import Any

from axes.helpers import get_client_ip_address
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from payments.models import PayerLink
from payments.services import payer_links

COOKIE = "payer"
DAY = 86_400


@login_not_required
@never_cache
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def pay(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows the amount, or after opening the way on; POST makes the bill for this address, once.

    A GET makes nothing: what looks into a link before its reader does (mail, messengers) must not use it up.
    """
    ip = get_client_ip_address(request) or ""
    if payer_links.is_too_often(ip, opening=request.method == "POST"):
        return _page(request, status=429, is_busy=True)
    link = payer_links.find(token)
    if link is None:
        return _page(request, status=404)
    if payer_links.is_mine(link, request.COOKIES.get(COOKIE, "")):
        return _shown(request, link)
    if not (payer_links.is_open(link) and payer_links.maker_may(link)):
        return _over(request, link)
    if request.method != "POST":
        return _shown(request, link)
    try:
        opened = payer_links.open_for(token=token, ip=ip)
    except ValidationError:
        return _page(request, link=link, is_refused=True)
    if opened is None:  # in this moment
        link.refresh_from_db()
        return _over(request, link)
    answer = redirect(request.path)
    answer.set_cookie(
        COOKIE,
        payer_links.mark(opened),
        max_age=DAY,
        path=request.path,
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
    return answer


def _over(request: HttpRequest, link: PayerLink) -> HttpResponse:
    """What became of it, and whom to ask; no amount: whoever looks here may be another person."""
    return _page(request, status=410, is_used=link.used_at is not None, is_over=True)


def _shown(request: HttpRequest, link: PayerLink) -> HttpResponse:
    bill = link.invoice
    is_payable = payer_links.is_payable(link)
    waits = bill is not None and bill.status in ("creating", "unknown") and bill.reference.held_at is None
    return _page(
        request,
        link=link,
        is_open=bill is None,
        is_paid=bill is not None and bill.status == "paid",
        waits=waits,
        pay_url=bill.payment_url if bill is not None and is_payable else "",
    )


def _page(request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
    link = context.get("link")
    context["merchant"] = settings.MERCHANT_NAME
    context["method"] = payer_links.method_title(link) if link is not None else ""
    answer = TemplateResponse(request, "payments/pay.html", context, status=status)
    if context.get("waits"):
        answer.headers["Refresh"] = "3"  # until the provider has made it; without scripts too
    # Nobody else is told of this address; with "no-referrer" browsers would hide it from us too, and the form be refused.
    answer.headers["Referrer-Policy"] = "same-origin"
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer
