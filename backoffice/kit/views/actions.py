"""Buttons as data: what a page offers, to whom and when. Services check again; this only hides."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from backoffice import permissions


def _always(_obj: Any) -> bool:
    return True


@dataclass(frozen=True)
class Action:
    """A button of one object.

    url_name: a route that takes `pk`, mostly an ActionView. when(obj): whether it makes sense in this state.
    confirm: lead to the action's own page first (a question, a form with a reason); else one click does it.
    link: a plain link to a page, not an action. by: what of the object is the `pk`, such as "reference_id". style: "primary", "secondary" or "danger".
    """

    label: Any
    url_name: str
    permission: str
    icon: str = ""
    style: str = "secondary"
    confirm: bool = False
    when: Callable[[Any], bool] = _always
    link: bool = False
    by: str = "pk"

    def url(self, obj: Any) -> str:
        return reverse(self.url_name, kwargs={"pk": getattr(obj, self.by)})


@dataclass(frozen=True)
class PageAction:
    """A button at the top right of a page: a link to a route without arguments."""

    label: Any
    url_name: str
    permission: str
    icon: str = ""
    style: str = "secondary"

    @property
    def url(self) -> str:
        return reverse(self.url_name)


@dataclass(frozen=True)
class Offer:
    """An action as the template needs it: allowed now, with its address."""

    action: Action
    url: str


def offers(actions: Iterable[Action], obj: Any, user: Any) -> list[Offer]:
    """The actions of this object that this user may do now, in the given order."""
    return [
        Offer(action, action.url(obj))
        for action in actions
        if permissions.may(user, action.permission) and action.when(obj)
    ]


def allowed(actions: Iterable[PageAction], user: Any) -> list[PageAction]:
    """The page's buttons for this user."""
    return [action for action in actions if permissions.may(user, action.permission)]
