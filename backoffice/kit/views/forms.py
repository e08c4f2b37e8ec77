"""Pages that change something: a form that calls a service, and a button that does. They hold no rule."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..states import IllegalMove
from .staff import StaffView

REFUSALS = (ValidationError, IllegalMove, PermissionDenied)
_OLD_PAGE = gettext_lazy("This page was out of date. Check what is filled in and send it again.")
_NOT_ALLOWED = gettext_lazy("Your role does not allow this.")


def form_paths(route: str, view: type[ServiceFormView], name: str) -> list[URLPattern]:
    """The two routes of a ServiceFormView: "invoices/new/", which gives a token, and the one with it."""
    return [path(route, view.as_view(), name=name), path(f"{route}<uuid:token>/", view.as_view(), name=name)]


def reason(error: Exception) -> list[str]:
    """Why a service refused, as plain sentences."""
    if isinstance(error, ValidationError):
        return [str(message) for message in error.messages]
    return [str(error) or str(_NOT_ALLOWED)]


def add_errors(form: forms.BaseForm, error: Exception) -> None:
    """Put a refusal to the fields it names; what names none of this form's fields stands above the form."""
    if not isinstance(error, ValidationError) or not hasattr(error, "error_dict"):
        form.add_error(None, reason(error))
        return
    for name, errors in error.error_dict.items():
        form.add_error(name if name in form.fields and name != NON_FIELD_ERRORS else None, errors)


class ServiceFormView(StaffView):
    """A form whose POST calls one service:

        class InvoiceCreateView(ServiceFormView):
            permission = "payments.create_invoice"
            form_class = InvoiceForm
            title = _("New invoice")
            button = _("Create invoice")

            def perform(self, form):
                return invoices.create(actor=..., form_token=self.form_token, **form.cleaned_data)

    Its address carries a token (see `form_paths`): a double click, a reload, "back" and a duplicated tab are
    one intent, because the service keeps one object per actor and token. `made(token)` may give the object
    that this token made already; then the page leads there. A refusal of the service is shown at its field,
    and what was typed stays. `prefill` names the fields that a link may fill in.
    """

    form_class: ClassVar[type[forms.BaseForm]]
    template_name = "generic/form.html"
    title: Any = ""
    intro: Any = ""
    button: Any = gettext_lazy("Save")
    success: Any = ""
    cancel_url_name: ClassVar[str] = ""
    # Never an amount or an address of money: links come from anywhere.
    prefill: ClassVar[Sequence[str]] = ()
    refusals: ClassVar[tuple[type[Exception], ...]] = REFUSALS

    def perform(self, form: Any) -> Any:
        """Call the service; give the object whose page comes next (get_absolute_url), or an address."""
        raise NotImplementedError

    def made(self, token: uuid.UUID) -> Any:
        """The object that this token made already, or None."""
        return None

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        return self.form_class(data, files, **self.get_form_kwargs())

    def get_form_kwargs(self) -> dict[str, Any]:
        """What the form is made with, besides data. Default: `initial`, from what `prefill` admits."""
        asked = self.request.GET
        return {"initial": {name: asked[name] for name in self.prefill if name in asked}}

    @property
    def form_token(self) -> uuid.UUID:
        return self.kwargs["token"]

    def _address(self) -> str:
        match = self.request.resolver_match
        assert match is not None  # noqa: S101  (a view runs behind a route)
        address = reverse(match.view_name, kwargs={**match.kwargs, "token": uuid.uuid4()})
        query = self.request.GET.urlencode()
        return f"{address}?{query}" if query else address

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if "token" not in kwargs:
            return HttpResponseRedirect(self._address())
        return self._to_made() or self.show(self.get_form())

    def _to_made(self) -> HttpResponseBase | None:
        if (obj := self.made(self.form_token)) is None:
            return None
        messages.info(self.request, _("You have sent this form already. This is what it made."))
        return redirect(obj)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        form = self.get_form(request.POST, request.FILES)
        if "token" not in kwargs:
            form.add_error(None, str(_OLD_PAGE))
            return self.show(form, form_action=self._address())
        if (
            earlier := self._to_made()
        ) is not None:  # changed after "back": it must not look as if it counted
            return earlier
        if not form.is_valid():
            return self.show(form)
        try:
            obj = self.perform(form)
        except self.refusals as error:
            add_errors(form, error)
            return self.show(form, status=403 if isinstance(error, PermissionDenied) else 200)
        if self.success:
            messages.success(request, self.success)
        return redirect(obj)

    def show(self, form: Any, *, status: int = 200, **extra: Any) -> HttpResponseBase:
        """The page with this form."""
        return self.render(
            status=status,
            form=form,
            title=self.title,
            intro=self.intro,
            button=self.button,
            cancel_url=reverse(self.cancel_url_name) if self.cancel_url_name else "",
            **extra,
        )


class ActionView(StaffView):
    """One action on one object (by `pk`), at the address of its own that `Action` leads to:

        class InvoiceRefreshView(ActionView):
            model = Invoice
            permission = "payments.refresh_invoice"
            title = _("Check now")
            success = _("The provider was asked.")

            def perform(self, obj, form):
                invoices.refresh(invoice_id=obj.pk)

    POST does it and goes to the object's page with a message; GET asks first (generic/confirm.html), which
    also is the way without scripts. `form_class` adds fields, such as a reason. `perform` may return a
    sentence in place of `success`. A refusal becomes a message, or an error at its field.
    """

    form_class: ClassVar[type[forms.BaseForm] | None] = None
    template_name = "generic/confirm.html"
    title: Any = ""
    question: Any = ""
    button: Any = ""
    style: str = "primary"
    success: Any = ""
    refusals: ClassVar[tuple[type[Exception], ...]] = REFUSALS
    select_related: ClassVar[Sequence[str]] = ()

    def perform(self, obj: Any, form: Any) -> Any:
        """Call the service."""
        raise NotImplementedError

    def get_queryset(self) -> QuerySet[Any]:
        queryset = self.model._default_manager.all()
        return queryset.select_related(*self.select_related) if self.select_related else queryset

    @cached_property
    def object(self) -> Any:
        return get_object_or_404(self.get_queryset(), pk=self.kwargs["pk"])

    def get_success_url(self) -> str:
        return self.object.get_absolute_url()

    def get_form(self, data: Any = None) -> Any:
        return self.form_class(data) if self.form_class else None

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return self.show(self.get_form())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        form = self.get_form(request.POST)
        if form is not None and not form.is_valid():
            return self.show(form)
        try:
            said = self.perform(self.object, form)
        except self.refusals as error:
            if form is not None and isinstance(error, ValidationError):
                add_errors(form, error)
                return self.show(form)
            for sentence in reason(error):
                messages.error(request, sentence)
        else:
            if said or self.success:
                messages.success(request, said or self.success)
        return HttpResponseRedirect(self.get_success_url())

    def show(self, form: Any) -> HttpResponseBase:
        """The page that asks first."""
        return self.render(
            object=self.object,
            form=form,
            title=self.title,
            question=self.question,
            button=self.button or self.title,
            cancel_url=self.get_success_url(),
        )
