"""Showing a code or a password to a person: by POST only, each time written down, kept by nobody afterwards.

Nothing of it enters an address, a cache or the history of the browser.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables

from backoffice.kit.fields import SecretUnreadable
from backoffice.kit.views import StaffView
from backoffice.kit.views.forms import REFUSALS, reason
from codes.models import Voucher
from codes.services import vouchers

from . import voucher_facts as facts

LABELS = {vouchers.CODE: gettext_lazy("Code"), vouchers.PASSWORD: gettext_lazy("Password")}
SHOWN_FOR = 60  # seconds


class VoucherRevealView(StaffView):
    """With htmx the part alone, in place; without scripts a page of its own. GET asks which part."""

    model = Voucher
    permission = "codes.reveal_voucher"
    template_name = "codes/voucher_reveal.html"

    @cached_property
    def object(self) -> Voucher:
        rows = Voucher.objects.select_related("reference", "account", "created_by")
        return get_object_or_404(rows, pk=self.kwargs["pk"])

    def get(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        return self._page()

    @sensitive_variables()
    def post(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        part = request.POST.get("part", "")
        told: dict[str, Any] = {"part": part, "label": LABELS.get(part, "")}
        try:
            told["secret"] = vouchers.reveal(actor=request.user, voucher=self.object, part=part)
        except REFUSALS as error:
            told["refusal"] = " ".join(reason(error))
        except SecretUnreadable:
            told["refusal"] = _("It cannot be read: another key ring wrote it.")
        response = self._part(told) if getattr(request, "htmx", False) else self._page(**told)
        response.headers["Cache-Control"] = "no-store"
        return response

    def _part(self, told: dict[str, Any]) -> HttpResponseBase:
        voucher = self.object
        told |= {"parts": facts.may_be_shown(voucher), "seen_by": facts.seen_by(voucher), "voucher": voucher}
        return TemplateResponse(self.request, "codes/voucher_shown.html", {"shown_for": SHOWN_FOR, **told})

    def _page(self, **told: Any) -> HttpResponseBase:
        parts = [(part, LABELS[part]) for part in facts.may_be_shown(self.object)]
        return self.render(voucher=self.object, parts=parts, shown_for=SHOWN_FOR, **told)
