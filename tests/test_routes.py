"""Walks the whole URL map: who gets in where, headers, CSRF, and that looking changes nothing.

RELIABILITY J01 to J03, K01, K04.

A route says its permission at its view class; the few that cannot are listed here. Any other fails.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from backoffice.permissions import ADMIN, ROLES, TABLE
from tests import factories
from tests.objects import NOWHERE, Objects

LOGIN = "/accounts/login/"

# Without a login: the way in, pages for machines, and what providers call.
OPEN = {
    "account_login", "account_logout", "account_inactive", "mfa_authenticate",
    "account_reset_password", "account_reset_password_done",
    "account_reset_password_from_key", "account_reset_password_from_key_done",
    "healthz", "readyz", "metrics", "payments:callback_receive", "payments:payer_link",
}  # fmt: skip
# For everybody with a login, whatever the role: one's own login.
PERSONAL = {
    "account_reauthenticate", "account_change_password", "usersessions_list",
    "mfa_index", "mfa_reauthenticate", "mfa_activate_totp", "mfa_deactivate_totp",
    "mfa_view_recovery_codes", "mfa_download_recovery_codes", "mfa_generate_recovery_codes",
}  # fmt: skip
WITHOUT_CSRF = {"payments:callback_receive"}
# Address parts that are no row.
WORDS = {
    "uidb36": "3",
    "key": "abc",
    "provider": "bitloga",
    "report": "statements",
    "token": "unknown",
}
# Address parts that are rows of a model which the view does not name as its own.
ROWS = {"account": "payments.ProviderAccount", "payments:reference.pk": "payments.Reference"}
# Refuse everybody who asks them for nothing, as we do here.
NEEDS_A_QUERY = {"admin:autocomplete"}
NOT_A_PAGE = "nowhere-in-here/"
# Tables that change when somebody merely looks: the session holds a secret that is being set up.
MAY_CHANGE = {"django_session"}


@dataclass(frozen=True)
class Route:
    """One address pattern of the map."""

    name: str
    pattern: str
    view: Any
    converters: tuple[tuple[str, str], ...]

    @property
    def view_class(self) -> Any:
        return getattr(self.view, "view_class", None)

    @property
    def permission(self) -> str:
        return getattr(self.view_class, "permission", "")

    @property
    def is_admin(self) -> bool:
        return self.pattern.startswith("admin/")

    @property
    def leads_nowhere(self) -> bool:
        """The admin's own "no such page", which is not there for anybody."""
        return self.pattern.endswith(NOT_A_PAGE)

    def admin_model(self) -> Any:
        """The model whose admin page this is."""
        for model in admin.site._registry:
            if self.pattern.startswith(f"admin/{model._meta.app_label}/{model._meta.model_name}/"):
                return model
        return None

    @property
    def adds_to_a_read_only_one(self) -> bool:
        """The admin's form of a new row, where nobody makes rows by hand."""
        page = admin.site._registry.get(self.admin_model()) if self.name.endswith("_add") else None
        return getattr(page, "manage_permission", True) == ""

    def address(self, objects: Objects) -> str:
        """A real address of this pattern. Raises LookupError when a part cannot be filled."""
        path = "/" + self.pattern
        for name, kind in self.converters:
            value = self._part(name, kind, objects)
            path = re.sub(rf"<(\w+:)?{name}>|\(\?P<{name}>(?:[^()]|\([^()]*\))*\)", str(value), path)
        assert not set("<>^$(") & set(path), f"{self.pattern} has a part that nobody fills"
        return path

    def _part(self, name: str, kind: str, objects: Objects) -> Any:
        if kind == "uuid":
            return uuid.uuid4()
        if self.name == "admin:view_on_site":
            account = objects.one(apps.get_model("payments.ProviderAccount"))
            return account.pk if name == "object_id" else ContentType.objects.get_for_model(account).pk
        if name == "object_id":
            return objects.one(self.admin_model()).pk
        label = ROWS.get(f"{self.name}.{name}") or ROWS.get(name)
        if label:
            return objects.one(apps.get_model(label)).pk
        if name == "reference":
            return objects.one(apps.get_model("payments.Reference")).value
        if name in WORDS:
            return WORDS[name]
        if name == "app_label":
            return "auth"
        model = getattr(self.view_class, "model", None) or self.admin_model()
        if name in {"pk", "id"} and model is not None:
            return objects.one(model).pk
        raise LookupError(f"{self.name or self.pattern}: nobody says what stands for <{name}>")


def walk(patterns: Any = None, prefix: str = "", space: str = "") -> Iterator[Route]:
    """Every route of the map, with namespace and full pattern."""
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        part = str(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = f"{space}{entry.namespace}:" if entry.namespace else space
            yield from walk(entry.url_patterns, prefix + part, inner)
            continue
        assert isinstance(entry, URLPattern)
        if isinstance(entry.pattern, RoutePattern):
            kinds = {name: type(c).__name__ for name, c in entry.pattern.converters.items()}
            parts = tuple((name, "uuid" if kind == "UUIDConverter" else "") for name, kind in kinds.items())
        else:
            parts = tuple((name, "") for name in entry.pattern.regex.groupindex)
            part = part.removeprefix("^").removesuffix("$")
        if (prefix + part) == "admin/(?P<url>.*)":
            part, parts = NOT_A_PAGE, ()
        yield Route(f"{space}{entry.name or ''}", prefix + part, entry.callback, parts)


ROUTES = list(walk())
IDS = [route.name or route.pattern for route in ROUTES]


@pytest.fixture
def objects(db: None, settings: Any) -> Objects:
    settings.PROVIDER_INTERNAL_HOSTS = frozenset({NOWHERE})
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    return Objects()


def signed_in(user: Any, **options: Any) -> Client:
    client = Client(raise_request_exception=False, **options)
    client.force_login(user)
    return client


def goes_to_login(client: Client, response: Any) -> bool:
    while response.status_code == 302 and response.url.startswith("/admin/login/"):
        response = client.get(response.url)
    return response.status_code == 302 and response.url.startswith(f"{LOGIN}?next=")


def may(route: Route, role: str) -> bool:
    """What the declaration says: whether this role may see this route."""
    if route.name in OPEN | PERSONAL:
        return True
    if route.is_admin:
        return role == ADMIN and not route.name.endswith("_delete") and not route.adds_to_a_read_only_one
    return role in TABLE.get(route.permission, frozenset())


class TestMap:
    def test_is_there(self) -> None:
        assert len(ROUTES) > 40

    @pytest.mark.parametrize("route", ROUTES, ids=IDS)
    def test_every_route_is_declared(self, route: Route) -> None:
        declared = route.name in OPEN | PERSONAL or route.is_admin or route.permission in TABLE
        assert declared, f"{route.pattern}: its view class needs a permission of permissions.TABLE"

    def test_the_lists_name_routes_that_exist(self) -> None:
        assert {route.name for route in ROUTES} >= OPEN | PERSONAL | WITHOUT_CSRF

    def test_every_part_of_every_address_can_be_filled(self, objects: Objects) -> None:
        problems = []
        for route in ROUTES:
            try:
                route.address(objects)
            except (LookupError, AssertionError) as problem:
                problems.append(str(problem))
        assert not problems, "\n".join(problems)


class TestStrangers:
    def test_are_sent_to_the_login_from_everywhere_else(self, objects: Objects) -> None:
        problems = []
        for route in ROUTES:
            client = Client(raise_request_exception=False)
            response = client.get(route.address(objects))
            if route.name in OPEN:
                if goes_to_login(client, response) and route.name != "mfa_authenticate":
                    problems.append(f"{route.name} is said to be open and asks for a login")
            elif not goes_to_login(client, response):
                problems.append(f"{route.name or route.pattern} answers {response.status_code} to strangers")
        assert not problems, "\n".join(problems)

    def test_cannot_post_either(self, objects: Objects) -> None:
        problems = []
        for route in ROUTES:
            if route.name in OPEN:
                continue
            client = Client(raise_request_exception=False)
            if not goes_to_login(client, client.post(route.address(objects))):
                problems.append(route.name or route.pattern)
        assert not problems, "\n".join(problems)


EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}
INLINE = re.compile(
    r"""<script(?![^>]*\b(?:src=|type="application/json"))[^>]*>|<style|\sstyle="|\son[a-z]+="|javascript:"""
)


def weak(response: Any, *, personal: bool) -> list[str]:
    """What of an answer's headers and markup is open to other sites, caches or inline code."""
    headers = response.headers
    found = [
        f"{name}: {headers.get(name)}" for name, value in EVERYWHERE.items() if headers.get(name) != value
    ]
    policy = headers.get("Content-Security-Policy", "")
    if "default-src 'none'" not in policy or "unsafe" in policy or "*" in policy:
        found.append(f"Content-Security-Policy: {policy}")
    if headers.get("Referrer-Policy") not in {"same-origin", "no-referrer"}:
        found.append(f"Referrer-Policy: {headers.get('Referrer-Policy')}")
    if personal and "no-store" not in headers.get("Cache-Control", ""):
        found.append(f"Cache-Control: {headers.get('Cache-Control')}")
    if headers.get("Content-Type", "").startswith("text/html") and not response.streaming:
        found += INLINE.findall(response.content.decode())
    return found


def digests() -> dict[str, str]:
    """The content of every table, as a digest."""
    tables = sorted(set(connection.introspection.table_names()) - MAY_CHANGE)
    found = {}
    with connection.cursor() as cursor:
        for table in tables:
            row = f"SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM \"{table}\" t"
            cursor.execute(row)
            found[table] = str(cursor.fetchone())
    return found


class TestRoles:
    @pytest.mark.parametrize("role", ROLES)
    def test_see_what_the_table_says_and_change_nothing_by_looking(self, objects: Objects, role: str) -> None:
        addresses = {route: route.address(objects) for route in ROUTES}
        client = signed_in(factories.person(role))
        before, point = digests(), transaction.savepoint()
        problems = []
        for route, address in addresses.items():
            response = client.get(address)
            problems += [f"{route.name or route.pattern}: {what}" for what in weak(response, personal=True)]
            if route.name in OPEN:
                continue
            status = response.status_code
            bad = status in {403, 500} or (status == 404 and route.name not in PERSONAL)
            good = status == 403
            if may(route, role) and bad and not route.leads_nowhere and route.name not in NEEDS_A_QUERY:
                problems.append(f"{role} may see {route.name or route.pattern} and gets {status}")
            if not may(route, role) and not good:
                problems.append(f"{role} may not see {route.name or route.pattern} and gets {status}")
        if digests() != before:
            # Once more from the start, page by page: which one was it?
            transaction.savepoint_rollback(point)
            for route, address in addresses.items():
                client.get(address)
                after = digests()
                if changed := sorted(table for table in after if after[table] != before.get(table)):
                    problems.append(f"GET {route.name or route.pattern} changes {', '.join(changed)}")
                before = after
            assert problems
        assert not problems, "\n".join(problems)

    @pytest.mark.parametrize("role", [*ROLES, "nobody"])
    def test_who_may_not_see_it_cannot_post_to_it(self, objects: Objects, role: str) -> None:
        client = signed_in(factories.person(role if role in ROLES else None))
        problems = []
        for route in ROUTES:
            if route.name in OPEN | PERSONAL or may(route, role):
                continue
            status = client.post(
                route.address(objects), {"note": "x", "reason": "x", "post": "yes"}
            ).status_code
            if status != 403:
                problems.append(f"{role} posts to {route.name or route.pattern} and gets {status}")
        assert not problems, "\n".join(problems)

    def test_a_user_without_role_gets_nowhere(self, objects: Objects) -> None:
        client = signed_in(factories.person(None))
        statuses = {
            route.name: client.get(route.address(objects)).status_code
            for route in ROUTES
            if route.name not in OPEN | PERSONAL
        }
        assert set(statuses.values()) == {403}, statuses

    def test_a_superuser_gets_to_the_users_and_nowhere_else(self, objects: Objects) -> None:
        client = signed_in(get_user_model().objects.create_superuser("root"))
        problems = []
        for route in ROUTES:
            # "admin:" alone: addresses of earlier Djangos, which only lead on to the real ones.
            if route.name in OPEN | PERSONAL | NEEDS_A_QUERY | {"admin:"} or route.leads_nowhere:
                continue
            status = client.get(route.address(objects)).status_code
            users = route.is_admin and route.admin_model() in {get_user_model(), None}
            if (status == 403) == (users and not route.name.endswith("_delete")):
                problems.append(f"{route.name or route.pattern}: {status}")
        assert not problems, "\n".join(problems)


class TestRequests:
    def test_a_post_without_csrf_token_is_refused_everywhere(self, objects: Objects) -> None:
        client = signed_in(factories.person("admin"), enforce_csrf_checks=True)
        problems = []
        for route in ROUTES:
            status = client.post(route.address(objects)).status_code
            if (status == 403) == (route.name in WITHOUT_CSRF):
                problems.append(f"{route.name or route.pattern}: {status}")
        assert not problems, "\n".join(problems)

    def test_a_post_from_another_site_is_refused_with_a_good_token(self, objects: Objects) -> None:
        client = signed_in(factories.person("operator"), enforce_csrf_checks=True)
        client.get("/preferences/")
        token = client.cookies[django_settings.CSRF_COOKIE_NAME].value
        for origin in ("https://evil.example", "null"):
            response = client.post(
                "/preferences/", {"csrfmiddlewaretoken": token}, headers={"Origin": origin}
            )
            assert response.status_code == 403

    def test_other_methods_break_nothing(self, objects: Objects) -> None:
        client = signed_in(factories.person("admin"))
        problems = []
        for route in ROUTES:
            for method in ("head", "put"):
                status = getattr(client, method)(route.address(objects)).status_code
                # readyz says 503 as long as no beat was seen.
                if status >= 500 and route.name != "readyz":
                    problems.append(f"{method} {route.name or route.pattern}: {status}")
        assert not problems, "\n".join(problems)


class TestAnswers:
    """Headers and markup of answers to strangers, and to what is sent; TestRoles looks at those of pages."""

    @pytest.mark.parametrize("role", ["operator", "admin", None])
    def test_are_closed_to_other_sites_caches_and_inline_code(
        self, objects: Objects, role: str | None
    ) -> None:
        client = signed_in(factories.person(role)) if role else Client(raise_request_exception=False)
        problems = []
        for route in ROUTES:
            if role and route.name == "account_logout":
                continue  # which would end the walk
            for method in ("post",) if role else ("get", "post"):
                response = getattr(client, method)(route.address(objects))
                wrong = weak(response, personal=role is not None)
                problems += [f"{method} {route.name or route.pattern}: {what}" for what in wrong]
        for path in ("/nowhere/", "/nowhere", "/static/nowhere.css"):
            problems += [f"{path}: {what}" for what in weak(client.get(path), personal=False)]
        assert not problems, "\n".join(problems)


class TestPlaces:
    """Every page says where it is."""

    #: Reached from the top bar, not from the menu: what one looks for, and one's own settings.
    NO_PLACE = {"search", "preferences"}
    CURRENT = re.compile(r'<li><a href="[^"]*" aria-current="page">')
    HERE = re.compile(r'<li aria-current="page">[^<>\s]')
    WORDS = re.compile(r"(?:<[^>]+>|\s)+")

    def test_by_a_trail_and_one_lit_place_of_the_menu(self, objects: Objects) -> None:
        problems, seen = set(), set()
        for role in ("approver", "operator"):
            client = signed_in(factories.person(role))
            for route in ROUTES:
                if route.is_admin or route.name in OPEN | PERSONAL | seen:
                    continue
                response = client.get(route.address(objects))
                page = "" if response.streaming else response.content.decode()
                if response.status_code != 200 or '<nav class="frame-menu"' not in page:
                    continue
                seen.add(route.name)
                menu, trail = (
                    page.split(f'<nav class="{name}"')[1].split("</nav>")[0]
                    for name in ("frame-menu", "crumbs")
                )
                if len(self.HERE.findall(trail)) != 1:
                    problems.add(f"{route.name}: the trail is “{self.WORDS.sub(' ', trail)}”")
                if len(self.CURRENT.findall(menu)) != (route.name not in self.NO_PLACE):
                    problems.add(
                        f"{route.name}: {len(self.CURRENT.findall(menu))} places of the menu are lit"
                    )
        assert not problems, "\n".join(sorted(problems))
