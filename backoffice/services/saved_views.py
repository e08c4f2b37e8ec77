"""Views of lists that a person keeps under a name: the only writer of SavedView.

A view is a query string: the address stays the truth, and what is secret (kit.typed) never enters one.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from backoffice.kit import typed
from backoffice.models import SavedView
from backoffice.permissions import guarded

PERMISSION = "backoffice.change_preference"
MOST = 40
# Where a page begins, how it is sent, which view it was: none of that is part of what is shown.
PASSING = frozenset({"after", "before", "export", "fragment", "v", "view"})


def canonical(query: str) -> str:
    """What a query string says about filters, order and columns, spelled in one way."""
    pairs = parse_qsl(query)
    columns = [pair for pair in pairs if pair[0] == "column"]  # their order means something
    others = sorted(pair for pair in pairs if pair[0] != "column" and pair[0] not in PASSING)
    return urlencode([*others, *columns])


def clean(query: str) -> str:
    """The same, refused (ValidationError) where something secret stands in it or it is too long to be kept."""
    query = canonical(query)
    if any(typed.is_secret(word) for pair in parse_qsl(query) for word in pair):
        raise ValidationError(typed.REFUSED)
    if len(query) > (SavedView._meta.get_field("query").max_length or 0):
        raise ValidationError(_("This is too much for a view: choose fewer filters."))
    return query


def of(user: Any, list_name: str) -> list[SavedView]:
    """This person's views of that list, by name."""
    return list(SavedView.objects.filter(user=user.pk, list_name=list_name))


@guarded(PERMISSION)
def save(*, actor: Any, list_name: str, name: str, query: str, is_default: bool = False) -> SavedView:
    """Keep what a list shows now under a name; a name that stands already is given the new content.

    Raises ValidationError for an empty or too long name, a query with something secret in it, and too many.
    """
    name, query = _named(name), clean(query)
    with transaction.atomic():
        _one_at_a_time(actor)
        mine = SavedView.objects.filter(user=actor, list_name=list_name)
        known = {view.name: view for view in mine}
        if name not in known and len(known) >= MOST:
            raise ValidationError(_("You have %(n)d views of this list. Delete one first.") % {"n": MOST})
        if is_default:
            mine.update(is_default=False)
        view, _new = SavedView.objects.update_or_create(
            user=actor,
            list_name=list_name,
            name=name,
            defaults={"query": query} | ({"is_default": True} if is_default else {}),
        )
    return view


@guarded(PERMISSION)
def update(*, actor: Any, view: SavedView, query: str) -> SavedView:
    """Put what a list shows now into one's view. Errors as `save`, and for somebody else's view."""
    query = clean(query)
    with transaction.atomic():
        locked = _locked(actor, view)
        locked.query = query
        locked.save(update_fields=["query"])
    return locked


@guarded(PERMISSION)
def rename(*, actor: Any, view: SavedView, name: str) -> SavedView:
    """Give one's view another name. Raises ValidationError for one that stands already."""
    name = _named(name)
    with transaction.atomic():
        locked = _locked(actor, view)
        others = SavedView.objects.filter(user=actor, list_name=locked.list_name, name=name)
        if others.exclude(pk=locked.pk).exists():
            raise ValidationError({"name": _("You have a view of this name already.")})
        locked.name = name
        locked.save(update_fields=["name"])
    return locked


@guarded(PERMISSION)
def open_with(*, actor: Any, view: SavedView, is_default: bool) -> SavedView:
    """Let the list open with one's view, or not any more."""
    with transaction.atomic():
        _one_at_a_time(actor)
        locked = _locked(actor, view)
        SavedView.objects.filter(user=actor, list_name=locked.list_name).update(is_default=False)
        locked.is_default = is_default
        locked.save(update_fields=["is_default"])
    return locked


@guarded(PERMISSION)
def delete(*, actor: Any, view: SavedView) -> None:
    """Forget one's view."""
    with transaction.atomic():
        _locked(actor, view).delete()


def _one_at_a_time(actor: Any) -> None:
    """Two windows of one person wait for each other, also where there is no view yet whose row could be locked."""
    get_user_model().objects.select_for_update(of=("self",), no_key=True).get(pk=actor.pk)


def _locked(actor: Any, view: SavedView) -> SavedView:
    locked = SavedView.objects.select_for_update().filter(user=actor, pk=view.pk).first()
    if locked is None:
        raise ValidationError(_("This view is gone."))
    return locked


def _named(name: str) -> str:
    name = " ".join((name or "").split())
    limit = SavedView._meta.get_field("name").max_length or 0
    if not name:
        raise ValidationError({"name": _("Give the view a name.")})
    if len(name) > limit or "\x00" in name:
        raise ValidationError({"name": _("A name has at most %(limit)s characters.") % {"limit": limit}})
    if typed.is_secret(name):
        raise ValidationError({"name": typed.REFUSED})
    return name
