"""What an app gives to the shared pages: a registry of parts, filled by each app's office.py.

Holds no part itself and imports no app. Shared pages (dashboard, reports, worklist, search, timelines) and the
conductors of payments.services read from here.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import QuerySet

from . import paging


@dataclass(frozen=True)
class Summary:
    """One object in one line, for search results, bulk actions and the like. `title` is what people know it by.

    `tone` is that of `status`; `amount` an exact Decimal in `currency`, or None. Cards are masked in it.
    """

    title: Any
    status: Any = ""
    tone: str = "muted"
    amount: Any = None
    currency: str = ""
    account: Any = ""


@dataclass(frozen=True)
class Kind:
    """A kind of object that has a reference.

    kind: its word (also of Reference.kind). model: "app.Model". detail: url name that takes `pk`. permission: to see it.
    refresh(*, <kind>_id, way, priority): ask the provider about one row and apply its answer.
    scan(*, account_id, ids, way, priority): ask about several rows of an account at once, where scans(*, account_id) says
    that its provider only lists them.
    submit(*, <kind>_id): send an intent. sends: the states whose rows a worker still has to send. expire(): what is late.
    claimed(*, object_id): a callback says it happened, and the provider cannot be asked yet.
    search_text(object): what people may find it by; no secret and no card number.
    summary(object): the object in one line; its reference and account are loaded already. Needed to be searched for.
    """

    kind: str
    model: str
    label: Any
    label_plural: Any
    detail: str
    permission: str
    refresh: Callable[..., Any] | None = None
    scan: Callable[..., Any] | None = None
    scans: Callable[..., bool] | None = None
    submit: Callable[..., Any] | None = None
    sends: tuple[str, ...] = ()
    expire: Callable[[], int] | None = None
    claimed: Callable[..., None] | None = None
    search_text: Callable[[Any], str] | None = None
    summary: Callable[[Any], Summary] | None = None
    icon: str = "circle"


@dataclass(frozen=True)
class Card:
    """A card of the dashboard: template with the context that `context(user)` gives. Lower `order` stands first.

    options: names of the address that the card reads; `context` gets each as a keyword, "" where it is missing.
    version(): what changes whenever the card would, beyond the audit trail; it must cost next to nothing.
    """

    name: str
    title: Any
    template: str
    context: Callable[..., dict[str, Any]]
    permission: str
    order: int = 100
    width: int = 4
    options: tuple[str, ...] = ()
    version: Callable[[], Any] | None = None


@dataclass(frozen=True)
class Waiting:
    """One line of "waits for you": the rows that do, and where they are listed. `rows(user)` needs an index."""

    name: str
    label: Any
    url: str
    query: str
    permission: str
    rows: Callable[[Any], QuerySet[Any]]
    icon: str = "circle-alert"


@dataclass(frozen=True)
class Place:
    """A page that has no reference and is searched for by its name, such as an account's. `about`: what it is."""

    title: Any
    about: Any
    url: str
    icon: str = "circle"


@dataclass(frozen=True)
class Finder:
    """Finds places: `find(words)` gives those whose name holds every word (in small letters); few, so cheap."""

    name: str
    label: Any
    permission: str
    find: Callable[[list[str]], list[Place]]


@dataclass(frozen=True)
class Notice:
    """One line of a banner. `link` is the word of the link to `url`."""

    text: Any
    url: str = ""
    link: Any = ""
    icon: str = "circle-alert"
    tone: str = "warn"


@dataclass(frozen=True)
class Banner:
    """What everybody must see on every page while it stands. `notices()` costs one cheap query at most."""

    name: str
    permission: str
    notices: Callable[[], list[Notice]]


@dataclass(frozen=True)
class Event:
    """One line of a timeline. `who` is a name or "" for the system; `way` the word of the source.

    `facts` are shown folded, and where `facts_permission` is named only to those who have it.
    """

    at: dt.datetime
    title: Any
    who: str = ""
    way: Any = ""
    tone: str = "muted"
    detail: Any = ""
    url: str = ""
    facts: tuple[tuple[Any, Any], ...] = ()
    facts_permission: str = ""


@dataclass(frozen=True)
class TimelineSource:
    """Gives the events of one reference. `permission` hides the source from who may not see it."""

    name: str
    events: Callable[[str], Iterable[Event]]
    permission: str


@dataclass(frozen=True)
class Invariant:
    """One promise that can be checked on the database: `check()` gives the breaches as plain sentences."""

    name: str
    promise: Any
    check: Callable[[], list[str]]


@dataclass(frozen=True)
class Scene:
    """One moment of the demo month: `play()` does something then, with every clock standing at `at`."""

    at: dt.datetime
    play: Callable[[], Any]


@dataclass(frozen=True)
class Stage:
    """What the demo month is played on. `people` by login; `box(path, data)` asks the sandbox's control page (POST with
    data, GET without) and gives its answer; `chance` is the same in every run. The month is `begin` to `end` (now).
    """

    people: dict[str, Any]
    box: Callable[..., dict[str, Any]]
    chance: random.Random
    begin: dt.datetime
    end: dt.datetime


@dataclass(frozen=True)
class Report:
    """What finance takes from a period: whole days of the books' zone, both ends included.

    rows(*, since, until, **chosen): the lines, which `template` draws and `columns()` (kit.exports) put into a file.
    choices: more that can be chosen, as (name, label, function that gives the choices); "" of each means all.
    """

    name: str
    title: Any
    intro: Any
    template: str
    permission: str
    rows: Callable[..., list[Any]]
    columns: Callable[[], list[Any]]
    choices: tuple[tuple[str, Any, Callable[[], list[tuple[str, str]]]], ...] = ()


@dataclass
class _Registry:
    kinds: dict[str, Kind] = field(default_factory=dict)
    cards: dict[str, Card] = field(default_factory=dict)
    waiting: dict[str, Waiting] = field(default_factory=dict)
    banners: dict[str, Banner] = field(default_factory=dict)
    finders: dict[str, Finder] = field(default_factory=dict)
    timeline_sources: dict[str, TimelineSource] = field(default_factory=dict)
    invariants: dict[str, Invariant] = field(default_factory=dict)
    reports: dict[str, Report] = field(default_factory=dict)
    demo_steps: list[Callable[..., list[tuple[str, str]]]] = field(default_factory=list)
    plots: list[Callable[[Stage], Iterable[Scene]]] = field(default_factory=list)


registry = _Registry()


def _add(shelf: dict[str, Any], name: str, part: Any) -> None:
    if name in shelf:
        raise ValueError(f"{name} is registered already")
    shelf[name] = part


def register(*parts: Kind | Card | Waiting | Banner | Finder | TimelineSource | Invariant | Report) -> None:
    """Add parts. Raises ValueError for a name that stands already."""
    for part in parts:
        match part:
            case Kind():
                _add(registry.kinds, part.kind, part)
            case Card():
                _add(registry.cards, part.name, part)
            case Waiting():
                _add(registry.waiting, part.name, part)
            case Banner():
                _add(registry.banners, part.name, part)
            case Finder():
                _add(registry.finders, part.name, part)
            case TimelineSource():
                _add(registry.timeline_sources, part.name, part)
            case Invariant():
                _add(registry.invariants, part.name, part)
            case Report():
                _add(registry.reports, part.name, part)


def register_demo(step: Callable[..., list[tuple[str, str]]]) -> None:
    """Add a step of `manage.py demo`: called with the open HOME folder; gives (label, value) lines to print."""
    registry.demo_steps.append(step)


def register_plot(plot: Callable[[Stage], Iterable[Scene]]) -> None:
    """Add an app's part of the demo month. All scenes of all apps are played in the order of their times."""
    registry.plots.append(plot)


def kind(name: str) -> Kind:
    """The kind of that word. Raises LookupError for an unknown one."""
    return registry.kinds[name]


def cards(user: Any, may: Callable[[Any, str], bool]) -> list[Card]:
    """The cards this user may see, in order."""
    return sorted(
        (c for c in registry.cards.values() if may(user, c.permission)), key=lambda c: (c.order, c.name)
    )


def waiting(user: Any, may: Callable[[Any, str], bool]) -> list[tuple[Waiting, int]]:
    """What waits for this user, with counts above zero (counted to 10,000). One query for all of them."""
    lines = [line for line in registry.waiting.values() if may(user, line.permission)]
    counts = paging.counts([line.rows(user) for line in lines])
    return [(line, count) for line, count in zip(lines, counts, strict=True) if count]


def reports(user: Any, may: Callable[[Any, str], bool]) -> list[Report]:
    """The reports this user may see, in the order of their registration."""
    return [report for report in registry.reports.values() if may(user, report.permission)]


def notices(user: Any, may: Callable[[Any, str], bool]) -> list[Notice]:
    """What stands above every page for this user now."""
    banners = (banner for banner in registry.banners.values() if may(user, banner.permission))
    return [notice for banner in banners for notice in banner.notices()]


def timeline(reference: str, user: Any, may: Callable[[Any, str], bool]) -> list[Event]:
    """All events of one reference that this user may see, oldest first."""
    sources = (s for s in registry.timeline_sources.values() if may(user, s.permission))
    events = (event for s in sources for event in s.events(reference))
    return sorted(for_eyes(events, user, may), key=lambda e: e.at)


def for_eyes(events: Iterable[Event], user: Any, may: Callable[[Any, str], bool]) -> list[Event]:
    """The events without the facts that this user may not see."""
    return [
        e if not e.facts_permission or may(user, e.facts_permission) else replace(e, facts=()) for e in events
    ]
