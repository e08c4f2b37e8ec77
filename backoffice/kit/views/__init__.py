"""The base classes of every page that staff see. A page says what is special about it; the rest is here."""

from .actions import Action, PageAction
from .bulk import BulkAction, BulkActionView
from .details import DetailView
from .forms import ActionView, ServiceFormView, form_paths
from .lists import ListView
from .staff import StaffView

__all__ = [
    "Action",
    "ActionView",
    "BulkAction",
    "BulkActionView",
    "DetailView",
    "ListView",
    "PageAction",
    "ServiceFormView",
    "StaffView",
    "form_paths",
]
