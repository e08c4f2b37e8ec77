"""The base classes of every page that staff see. A page says what is special about it; the rest is here."""

from .actions import Action, PageAction
from .bulk import BulkAction, BulkActionView
from .decisions import ApproveView, DecisionView, DoubtView, RevealView, SecondView
from .details import DetailView
from .forms import ActionView, ServiceFormView, form_paths
from .lists import ListView
from .staff import StaffView

__all__ = [
    "Action",
    "ActionView",
    "ApproveView",
    "BulkAction",
    "BulkActionView",
    "DecisionView",
    "DetailView",
    "DoubtView",
    "ListView",
    "PageAction",
    "RevealView",
    "SecondView",
    "ServiceFormView",
    "StaffView",
    "form_paths",
]
