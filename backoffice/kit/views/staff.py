"""The door of every staff page: no page without a permission. Holds nothing about lists, forms or objects."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.views.generic import View

from backoffice import permissions

# What a page stands in; partials/bare_*.html instead where only a part of it is asked for.
WHOLE_PAGE = "layout.html"


class StaffView(View):
    """A page for staff. Each class has a `permission`, a key of permissions.TABLE; a typo fails at import.

    With a `model` and no permission of its own it takes `<app>.view_<model>`. Who may not gets the 403 page.
    """

    permission: ClassVar[str] = ""
    model: ClassVar[type[Model]]
    template_name: str = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        model = getattr(cls, "model", None)
        if not cls.permission and model is not None:
            cls.permission = f"{model._meta.app_label}.view_{model._meta.model_name}"
        if cls.permission and cls.permission not in permissions.TABLE:
            raise LookupError(f"{cls.__name__}: {cls.permission} is not in permissions.TABLE")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not self.may(self.permission):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def may(self, permission: str) -> bool:
        """Whether this request's user has that permission (read once per request)."""
        return permissions.may(self.request.user, permission)

    def context(self, **extra: Any) -> dict[str, Any]:
        """What the template sees. Override to add; call super()."""
        return {"view": self, "frame": WHOLE_PAGE, **extra}

    def render(self, *, status: int = 200, **extra: Any) -> TemplateResponse:
        """Answer with this page."""
        return TemplateResponse(self.request, self.template_name, self.context(**extra), status=status)
