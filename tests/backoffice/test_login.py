"""The way in: password, second step, lock-out, forgotten password, sessions, and the door of the admin."""

from __future__ import annotations

import datetime as dt
import re
import time
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core import mail
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from backoffice.permissions import ADMIN, OPERATOR, VIEWER
from backoffice.services import roles, users

PASSWORD = "a-long-word-for-tests-93"
LOGIN = "/accounts/login/"
pytestmark = pytest.mark.django_db


def person(name: str, role: str = VIEWER, **fields: str) -> Any:
    user = users.create(actor=None, username=name, password=PASSWORD, **fields)
    roles.give(actor=None, user=user, role=role)
    return user


@pytest.fixture
def sam() -> Any:
    return person("samantha", email="sam@example.org")


def sign_in(client: Client, name: str = "samantha", password: str = PASSWORD, **more: str) -> Any:
    return client.post(LOGIN, {"login": name, "password": password, **more})


def is_in(client: Client) -> bool:
    return client.get("/preferences/").status_code == 200


def code_of(secret: str, *, steps: int = 0) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def enrol(client: Client) -> tuple[str, list[str]]:
    """Set up the app as a person does; gives the secret and the recovery codes."""
    page = client.get(reverse("mfa_activate_totp"), follow=True)
    if page.request["PATH_INFO"] == reverse("account_reauthenticate"):
        client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
        page = client.get(reverse("mfa_activate_totp"))
    secret = page.context["form"].secret
    done = client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)}, follow=True)
    return secret, re.findall(r"<code>(\d{8})</code>", done.content.decode())


class TestPassword:
    def test_the_right_one_opens_the_office_by_user_name_only(self, sam, client: Client) -> None:
        assert sign_in(client, "sam@example.org").status_code == 200
        assert not is_in(client)
        response = sign_in(client)
        assert (response.status_code, response.url) == (302, reverse("dashboard"))
        assert is_in(client)

    def test_a_wrong_name_and_a_wrong_password_look_the_same(self, sam, client: Client) -> None:
        def said(name: str) -> str:
            page = sign_in(client, name, "wrong").content.decode()
            return re.sub(r'value="[^"]*"|nonce="[^"]*"', "", page)

        assert said("samantha") == said("somebody-else")

    def test_nobody_signs_up(self, client: Client) -> None:
        assert client.get("/accounts/signup/").status_code == 404
        assert client.post("/accounts/signup/", {}).status_code == 404
        with pytest.raises(NoReverseMatch):
            reverse("account_signup")
        assert "sign up" not in client.get(LOGIN).content.decode().lower()

    def test_the_session_gets_a_new_key(self, sam, client: Client) -> None:
        client.get(LOGIN)
        client.session["planted"] = "x"
        client.session.save()
        before = client.session.session_key
        sign_in(client)
        assert client.session.session_key != before

    @pytest.mark.parametrize(
        "evil",
        [
            "https://evil.example/",
            "//evil.example",
            "javascript:alert(1)",
            "/\\evil.example",
            "http:evil.example",
        ],
    )
    def test_next_never_leads_away(self, sam, client: Client, evil: str) -> None:
        assert sign_in(client, next=evil).url == reverse("dashboard")

    def test_next_leads_back_to_where_one_wanted_to_go(self, sam, client: Client) -> None:
        response = client.get("/preferences/")
        assert response.url == f"{LOGIN}?next=/preferences/"
        assert sign_in(client, next="/preferences/").url == "/preferences/"

    def test_a_switched_off_user_is_told_so_and_stays_out(self, sam, client: Client) -> None:
        users.deactivate(actor=None, user=sam)
        assert sign_in(client).url == reverse("account_inactive")
        assert client.get(reverse("account_inactive")).status_code == 200
        assert not is_in(client)

    def test_signing_out_needs_a_click(self, sam, client: Client) -> None:
        sign_in(client)
        assert client.get(reverse("account_logout")).status_code == 200
        assert is_in(client)
        client.post(reverse("account_logout"))
        assert not is_in(client)

    def test_a_stranger_cannot_make_messages_pile_up(self, sam, client: Client) -> None:
        assert not list(sign_in(client, follow="").wsgi_request._messages)


class TestLockOut:
    def guess(self, client: Client, times: int, name: str = "samantha", **headers: str) -> list[int]:
        data = {"login": name, "password": "wrong"}
        return [client.post(LOGIN, data, **headers).status_code for _time in range(times)]

    def test_the_fifth_failure_locks_and_the_right_password_does_not_help(self, sam, client: Client) -> None:
        assert self.guess(client, 5) == [200, 200, 200, 200, 429]
        response = sign_in(client)
        assert response.status_code == 429
        assert "15 minutes" in response.content.decode()
        assert response.headers["Retry-After"] == "900"
        assert not is_in(client)

    def test_what_was_typed_is_kept_nowhere(self, sam, client: Client) -> None:
        for _time in range(5):
            client.post(LOGIN, {"login": "samantha", "password": "canary-typed-7d1"})
        kept = [list(model.objects.values()) for model in apps.get_app_config("axes").get_models()]
        assert any(kept)
        assert "canary-typed-7d1" not in str(kept)

    def test_names_that_do_not_exist_lock_alike(self, client: Client) -> None:
        assert self.guess(client, 5, "nobody-here") == [200, 200, 200, 200, 429]

    def test_others_are_not_locked_out(self, sam, client: Client) -> None:
        person("victoria")
        self.guess(client, 6)
        assert sign_in(Client(), "victoria").status_code == 302
        with time_machine.travel(timezone.now() + dt.timedelta(seconds=61)):
            assert sign_in(client).status_code == 429
            assert sign_in(Client(REMOTE_ADDR="198.51.100.7")).status_code == 302

    def test_upper_and_lower_case_are_one_name(self, sam, client: Client) -> None:
        for name in ("samantha", "Samantha", "SAMANTHA", "samanthA", " samantha "):
            self.guess(client, 1, name)
        assert sign_in(client).status_code == 429

    def test_a_made_up_forwarding_header_gives_no_new_tries(self, sam, client: Client) -> None:
        for number in range(5):
            self.guess(client, 1, HTTP_X_FORWARDED_FOR=f"198.51.100.{number}")
        assert sign_in(client).status_code == 429

    def test_many_addresses_together_get_five_tries_a_name(self, sam) -> None:
        for number in range(8):
            self.guess(Client(REMOTE_ADDR=f"198.51.100.{number}"), 1)
        sign_in(client := Client(REMOTE_ADDR="198.51.100.99"))
        assert not is_in(client)

    def test_it_ends_by_itself(self, sam, client: Client) -> None:
        self.guess(client, 5)
        with time_machine.travel(timezone.now() + dt.timedelta(minutes=16)):
            assert sign_in(client).status_code == 302

    def test_an_admin_ends_it(self, sam, client: Client) -> None:
        self.guess(client, 5)
        assert users.unlock(actor=person("ada", ADMIN), user=sam) >= 1
        with time_machine.travel(timezone.now() + dt.timedelta(seconds=61)):
            assert sign_in(client).status_code == 302

    def test_a_script_gets_the_same_answer(self, sam, client: Client) -> None:
        self.guess(client, 5)
        response = client.post(
            LOGIN, {"login": "samantha", "password": "x"}, headers={"X-Requested-With": "XMLHttpRequest"}
        )
        assert response.status_code == 429
        assert "Access-Control-Allow-Origin" not in response.headers


class TestSecondStep:
    @pytest.fixture
    def enrolled(self, sam, client: Client) -> tuple[str, list[str]]:
        sign_in(client)
        found = enrol(client)
        client.post(reverse("account_logout"))
        return found

    def test_the_secret_is_encrypted_at_rest(self, enrolled) -> None:
        secret, codes = enrolled
        kept = str(list(Authenticator.objects.values_list("data", flat=True)))
        assert len(codes) == 10
        assert secret not in kept and not any(code in kept for code in codes)

    def test_the_password_alone_is_not_enough(self, enrolled, client: Client) -> None:
        assert sign_in(client).url == reverse("mfa_authenticate")
        for path in ("/preferences/", "/admin/", reverse("mfa_index"), reverse("account_change_password")):
            landed = client.get(path, follow=True).request["PATH_INFO"]
            assert landed in {LOGIN, reverse("mfa_authenticate")}

    def test_the_code_opens_and_works_once(self, enrolled, client: Client) -> None:
        secret, _codes = enrolled
        code = code_of(secret, steps=1)
        sign_in(client)
        client.post(reverse("mfa_authenticate"), {"code": code})
        assert is_in(client)
        sign_in(second := Client())
        assert second.post(reverse("mfa_authenticate"), {"code": code}).status_code == 200
        assert not is_in(second)

    def test_a_recovery_code_opens_once(self, enrolled, client: Client) -> None:
        _secret, codes = enrolled
        sign_in(client)
        client.post(reverse("mfa_authenticate"), {"code": codes[0]})
        assert is_in(client)
        sign_in(second := Client())
        second.post(reverse("mfa_authenticate"), {"code": codes[0]})
        assert not is_in(second)

    def test_guessing_codes_ends_after_five_tries(self, enrolled, client: Client) -> None:
        secret, _codes = enrolled
        sign_in(client)
        for number in range(5):
            client.post(reverse("mfa_authenticate"), {"code": f"00000{number}"})
        client.post(reverse("mfa_authenticate"), {"code": code_of(secret, steps=1)})
        assert not is_in(client)

    def test_switching_it_off_asks_who_it_is(self, enrolled, client: Client) -> None:
        secret, _codes = enrolled
        sign_in(client)
        client.post(reverse("mfa_authenticate"), {"code": code_of(secret, steps=1)})
        with time_machine.travel(timezone.now() + dt.timedelta(minutes=6)):
            response = client.post(reverse("mfa_deactivate_totp"))
            assert response.url.startswith(reverse("account_reauthenticate"))
        assert Authenticator.objects.filter(type="totp").exists()

    def test_it_is_reached_from_the_menu_of_the_person(self, sam, client: Client) -> None:
        sign_in(client)
        page = client.get("/preferences/").content.decode()
        for name in ("mfa_index", "usersessions_list", "account_change_password", "account_logout"):
            assert f'"{reverse(name)}"' in page
        assert reverse("mfa_activate_totp") in client.get(reverse("mfa_index")).content.decode()


class TestOwnPassword:
    def change(self, client: Client, old: str = PASSWORD, new: str = f"{PASSWORD}-2") -> Any:
        data = {"oldpassword": old, "password1": new, "password2": new}
        return client.post(reverse("account_change_password"), data)

    def test_changing_it_ends_the_other_sessions(self, sam, client: Client) -> None:
        sign_in(client)
        sign_in(other := Client())
        assert self.change(client).status_code == 302
        assert is_in(client) and not is_in(other)

    @pytest.mark.parametrize(
        ("old", "new"), [("wrong", f"{PASSWORD}-2"), (PASSWORD, "short"), (PASSWORD, "samantha-1234")]
    )
    def test_needs_the_old_one_and_a_good_new_one(self, sam, client: Client, old: str, new: str) -> None:
        sign_in(client)
        assert self.change(client, old, new).status_code == 200
        sam.refresh_from_db()
        assert sam.check_password(PASSWORD)


class TestSessions:
    def test_lists_them_and_ends_the_others(self, sam, client: Client) -> None:
        sign_in(client)
        sign_in(other := Client(HTTP_USER_AGENT="another-browser"))
        assert "another-browser" in client.get(reverse("usersessions_list")).content.decode()
        client.post(reverse("usersessions_list"))
        assert is_in(client) and not is_in(other)


class TestForgottenPassword:
    RESET = "/accounts/password/reset/"

    @pytest.fixture
    def letters(self, settings) -> list[Any]:
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        return mail.outbox

    def link(self, letters: list[Any]) -> str:
        return re.search(r"http://testserver(/\S+)", letters[-1].body)[1]

    @pytest.mark.parametrize("path", ["", "done/", "key/done/", "key/3-abc/"])
    def test_is_not_there_when_no_letters_are_sent(self, client: Client, settings, path: str) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
        assert client.get(self.RESET + path).status_code == 404
        assert self.RESET not in client.get(LOGIN).content.decode()

    def test_a_letter_with_a_link_that_works_once(self, sam, client: Client, letters) -> None:
        assert self.RESET in client.get(LOGIN).content.decode()
        client.post(self.RESET, {"email": "sam@example.org"})
        form = client.get(self.link(letters), follow=True)
        new = {"password1": f"{PASSWORD}-2", "password2": f"{PASSWORD}-2"}
        client.post(form.request["PATH_INFO"], new)
        assert sign_in(client, password=f"{PASSWORD}-2").status_code == 302
        again = Client().get(self.link(letters), follow=True)
        assert "no longer works" in again.content.decode()

    def test_an_unknown_address_gets_the_same_page_and_no_letter(self, sam, client: Client, letters) -> None:
        known = client.post(self.RESET, {"email": "sam@example.org"}, follow=True)
        unknown = Client().post(self.RESET, {"email": "x@example.org"}, follow=True)
        assert len(letters) == 1
        assert known.request["PATH_INFO"] == unknown.request["PATH_INFO"]
        assert known.content == unknown.content

    def test_the_link_ends_after_an_hour(self, sam, client: Client, letters) -> None:
        client.post(self.RESET, {"email": "sam@example.org"})
        with time_machine.travel(timezone.now() + dt.timedelta(minutes=61)):
            assert "no longer works" in client.get(self.link(letters), follow=True).content.decode()

    def test_the_second_step_is_still_asked_for(self, sam, client: Client, letters) -> None:
        sign_in(client)
        enrol(client)
        client.post(reverse("account_logout"))
        client.post(self.RESET, {"email": "sam@example.org"})
        form = client.get(self.link(letters), follow=True)
        client.post(form.request["PATH_INFO"], {"password1": f"{PASSWORD}-2", "password2": f"{PASSWORD}-2"})
        assert not is_in(client)
        assert sign_in(client, password=f"{PASSWORD}-2").url == reverse("mfa_authenticate")


class TestAdminDoor:
    def test_strangers_get_the_offices_login(self, client: Client) -> None:
        for path in ("/admin/", "/admin/login/", "/admin/auth/user/"):
            assert client.get(path, follow=True).redirect_chain[-1][0].startswith(f"{LOGIN}?next=/admin/")

    def test_roles_other_than_admin_are_refused(self, client: Client) -> None:
        person("olga", OPERATOR)
        sign_in(client, "olga")
        for path in ("/admin/", "/admin/login/", "/admin/auth/user/"):
            assert client.get(path).status_code == 403

    def test_a_left_over_staff_flag_opens_nothing(self, sam, client: Client) -> None:
        get_user_model().objects.update(is_staff=True)
        sign_in(client)
        assert client.get("/admin/").status_code == 403

    def test_an_admin_comes_in(self, client: Client) -> None:
        person("ada", ADMIN)
        sign_in(client, "ada")
        assert client.get("/admin/").status_code == 200

    def test_a_superuser_lands_at_the_users_and_sees_nothing_else(self, client: Client) -> None:
        get_user_model().objects.create_superuser("root", password=PASSWORD)
        assert sign_in(client, "root").url == "/admin/auth/user/"
        apps = client.get("/admin/").context["app_list"]
        assert [model["object_name"] for app in apps for model in app["models"]] == ["User"]
        assert client.get("/").status_code == 403
