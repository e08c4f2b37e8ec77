"""Pages on which people decide: what is decided about, why it cannot be, and checks that keep themselves fresh.

Holds no rule and no object.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from ..timeline import decisions_about
from .forms import ActionView, reason

UNDECIDED = ("awaiting_approval",)


class DecisionView(ActionView):
    """A decision about one object, which its template also knows under its model's name. Once it is taken
    (`is_decided`), the page has no form: it says by whom, and when.
    """

    def is_decided(self) -> bool:
        """Whether there is nothing left to decide. Override."""
        return False

    def show(self, form: Any) -> HttpResponseBase:
        return self.show_decided(form) if self.is_decided() else super().show(form)

    def show_decided(self, form: Any) -> HttpResponseBase:
        """What was decided, without a form; what was sent nevertheless is refused above it."""
        timeline = decisions_about(self.object)
        return TemplateResponse(
            self.request,
            "generic/decided.html",
            {
                "object": self.object,
                "title": self.title,
                "timeline": timeline,
                # It may also be too early for this decision.
                "was_decided": getattr(self.object, "status", "") not in UNDECIDED
                and any(event.who for event in timeline),
                "cancel_url": self.get_success_url(),
                "form": form if form is not None and form.is_bound else None,
            },
        )

    def back(self, sentences: Iterable[str]) -> HttpResponseBase:
        """To the object's page, with what is in the way."""
        for sentence in sentences:
            messages.error(self.request, sentence)
        return HttpResponseRedirect(self.get_success_url())

    def context(self, **extra: Any) -> dict[str, Any]:
        return super().context(**{str(self.model._meta.model_name): self.object, **extra})


class ApproveView(DecisionView):
    """A yes to exactly what is shown: the page carries its digest as `seen`. `why_not` bars this person."""

    def waits(self) -> bool:
        """Whether it still waits for a decision."""
        raise NotImplementedError

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not self.waits():  # pressed twice, mostly: to the object's own page
            return self.back([_("This is decided already: %s.") % self.object.get_status_display()])
        return super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.POST.get("seen"):  # whoever approves has read the page
            return self.get(request, *args, **kwargs)
        return super().post(request, *args, **kwargs)


class RevealView(ApproveView):
    """Such a page that hides a part until somebody asks for it; the service that gives it says so in the audit trail."""

    whole = ""

    def reveal(self) -> str:
        """What is hidden, whole."""
        raise NotImplementedError

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if "_reveal" not in request.POST:
            return super().post(request, *args, **kwargs)
        try:
            self.whole = self.reveal()
        except self.refusals as error:
            return self.back(reason(error))
        return self.show(None)

    def context(self, **extra: Any) -> dict[str, Any]:
        return super().context(whole=self.whole, **extra)


class SecondView(DecisionView):
    """The second person's yes to what another one proposed."""

    def pending(self) -> Any:
        """The proposal that waits, or None."""
        raise NotImplementedError

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if self.pending() is None:
            return self.back([_("Nothing waits for a confirmation here.")])
        return super().get(request, *args, **kwargs)

    def check_read(self) -> None:
        """Raise ValidationError unless the proposal that stands is the one on the page (`proposal`)."""
        proposal = self.pending()
        if proposal is not None and str(proposal.pk) != self.request.POST.get("proposal"):
            raise ValidationError(_("Another proposal stands now. Read it before you confirm."))


class DoubtView(DecisionView):
    """A decision about an unknown outcome. Its checks keep themselves fresh beside the form, so that a note that
    is being written is not lost when the provider must be asked once more.

    step: which decision. checks_template: the checks alone. Override `doubt()` and `ask()`.
    """

    step = ""
    checks_template = ""

    def doubt(self) -> Any:
        """What is known: with `look`, `minutes_left` and `bars` (by step, why this person cannot)."""
        raise NotImplementedError

    def ask(self) -> None:
        """Let the provider be asked once more."""
        raise NotImplementedError

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if "fragment" not in request.GET:
            return super().get(request, *args, **kwargs)
        context = self.context()
        if request.GET.get("v") == context["version"]:
            return HttpResponse(status=204)
        return self._checks(context)

    def _checks(self, context: dict[str, Any]) -> HttpResponseBase:
        return TemplateResponse(self.request, self.checks_template, context)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if "_check" not in request.POST:
            return super().post(request, *args, **kwargs)
        self.ask()
        if getattr(request, "htmx", False):
            return self._checks(self.context())
        messages.info(request, _("The provider is being asked. Go on in a moment."))
        form = self.get_form()
        if form is not None:
            form.initial |= request.POST.dict()
        return self.show(form)

    def context(self, **extra: Any) -> dict[str, Any]:
        doubt = self.doubt()
        told = [self.object.status, doubt.bars, doubt.look and doubt.look.pk, doubt.minutes_left]
        version = hashlib.blake2b(repr(told).encode(), digest_size=9).hexdigest()
        return super().context(doubt=doubt, step=self.step, version=version, **extra)
