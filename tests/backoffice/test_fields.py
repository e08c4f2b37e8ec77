"""Secrets at rest, keyed digests, masks and amounts (kit.fields), and the command that rotates the keys."""

from __future__ import annotations

import base64
import io
import json
import uuid
from collections.abc import Iterator
from decimal import Decimal

import pytest
from cryptography.fernet import Fernet
from django import forms
from django.core import serializers
from django.core.exceptions import FieldError, ValidationError
from django.core.management import CommandError, call_command
from django.db import connection, models, transaction
from django.test.utils import isolate_apps
from django.utils.datastructures import MultiValueDict

from backoffice.kit import fields
from backoffice.kit.fields import (
    EncryptedTextField,
    KeyedDigestField,
    MoneyField,
    SecretField,
    SecretUnreadable,
)
from tests.every import every

CANARY = "canary-5e1f0a77-secret"
OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))


@pytest.fixture
def safe(db: None, settings) -> Iterator[type[models.Model]]:
    """A model with a secret, in a table of its own; the ring holds OLD."""
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    with isolate_apps("backoffice"):

        class Safe(models.Model):  # noqa: DJ008
            uuid = models.UUIDField(default=uuid.uuid4, unique=True)
            name = models.CharField(max_length=20, default="")
            secret = EncryptedTextField("secret")
            digest = KeyedDigestField(of="secret", purpose="test")

            class Meta:
                app_label = "backoffice"

        with connection.schema_editor() as editor:
            editor.create_model(Safe)
        yield Safe


def in_database(row: models.Model, column: str = "secret") -> str:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT "{column}" FROM "{row._meta.db_table}" WHERE id = %s', [row.pk])
        return cursor.fetchone()[0]


class TestEncryptedTextField:
    def test_database_holds_no_plain_text(self, safe) -> None:
        row = safe.objects.create(secret=CANARY)
        kept = in_database(row)
        for form in (CANARY, base64.b64encode(CANARY.encode()).decode(), CANARY.encode().hex()):
            assert form not in kept
        assert safe.objects.get().secret == CANARY

    def test_same_secret_looks_different_each_time(self, safe) -> None:
        first, second = (in_database(safe.objects.create(secret=CANARY)) for _ in range(2))
        assert first != second

    def test_swapped_rows_are_unreadable(self, safe) -> None:
        one, two = safe.objects.create(secret="one"), safe.objects.create(secret="two")
        safe.objects.filter(pk=one.pk).update(secret=fields.Sealed(in_database(two)))
        with pytest.raises(SecretUnreadable):
            _ = safe.objects.get(pk=one.pk).secret
        assert safe.objects.get(pk=two.pk).secret == "two"

    def test_a_missing_key_raises_and_never_gives_the_cipher_text(self, safe, settings) -> None:
        row = safe.objects.create(secret=CANARY)
        settings.FIELD_ENCRYPTION_KEYS = [NEW]
        again = safe.objects.get(pk=row.pk)
        with pytest.raises(SecretUnreadable) as raised:
            _ = again.secret
        assert CANARY not in str(raised.value)

    def test_a_row_is_usable_without_its_key_while_nobody_reads_the_secret(self, safe, settings) -> None:
        row = safe.objects.create(secret=CANARY)
        kept = in_database(row)
        settings.FIELD_ENCRYPTION_KEYS = [NEW]
        again = safe.objects.get(pk=row.pk)
        again.name = "renamed"
        again.save(update_fields=["name"])
        assert in_database(row) == kept

    def test_saving_without_touching_the_secret_keeps_its_cipher_text(self, safe) -> None:
        row = safe.objects.create(secret=CANARY)
        kept = in_database(row)
        again = safe.objects.get()
        again.name = "renamed"
        again.save()
        assert in_database(row) == kept

    def test_every_key_of_the_ring_reads(self, safe, settings) -> None:
        safe.objects.create(secret=CANARY)
        settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
        assert safe.objects.get().secret == CANARY

    def test_reading_works_before_and_after_saving_and_deferred(self, safe) -> None:
        row = safe(secret=CANARY)
        assert row.secret == CANARY
        row.save()
        assert row.secret == CANARY
        row.refresh_from_db()
        assert row.secret == CANARY
        assert safe.objects.defer("secret").get().secret == CANARY
        assert safe.objects.only("secret").get().secret == CANARY

    def test_lists_do_not_decrypt(self, safe, monkeypatch) -> None:
        safe.objects.create(secret=CANARY)
        monkeypatch.setattr(fields, "unseal", lambda *_: pytest.fail("decrypted"))
        assert [row.name for row in safe.objects.all()] == [""]

    @pytest.mark.parametrize(
        "lookup", ["", "__contains", "__in", "__startswith", "__gt", "__regex", "__lower"]
    )
    def test_searching_by_the_secret_is_refused(self, safe, lookup: str) -> None:
        with pytest.raises(FieldError):
            list(safe.objects.filter(**{f"secret{lookup}": [CANARY] if lookup == "__in" else CANARY}))

    def test_whether_there_is_one_can_be_asked(self, safe) -> None:
        empty, full = safe.objects.create(), safe.objects.create(secret=CANARY)
        assert list(safe.objects.filter(secret="")) == [empty]
        assert list(safe.objects.exclude(secret="")) == [full]
        assert list(safe.objects.filter(secret__isnull=True)) == []
        assert (empty.secret, in_database(empty)) == ("", "")
        field = safe._meta.get_field("secret")
        assert (field.is_set(empty), field.is_set(full)) == (False, True)

    def test_update_and_bulk_update_refuse_plain_text(self, safe) -> None:
        row = safe.objects.create(secret="before")
        with pytest.raises(FieldError), transaction.atomic():
            safe.objects.update(secret=CANARY)
        row.secret = CANARY
        with pytest.raises(FieldError), transaction.atomic():
            safe.objects.bulk_update([row], ["secret"])
        assert safe.objects.get().secret == "before"

    def test_bulk_create_encrypts(self, safe) -> None:
        safe.objects.bulk_create([safe(secret=CANARY), safe(secret=CANARY)])
        assert [row.secret for row in safe.objects.all()] == [CANARY, CANARY]
        assert CANARY not in in_database(safe.objects.first())

    def test_fixtures_values_and_words_about_the_row_hold_no_secret(self, safe) -> None:
        row = safe.objects.create(secret=CANARY)
        dumped = serializers.serialize("json", safe.objects.all())
        assert json.loads(dumped)[0]["fields"]["secret"] == ""
        told = [dumped, repr(row), str(row), repr(row.__dict__), repr(list(safe.objects.values("secret")))]
        assert not any(CANARY in text for text in told)

    def test_a_field_on_a_model_without_uuid_is_a_system_check_error(self) -> None:
        with isolate_apps("backoffice"):

            class Unbound(models.Model):  # noqa: DJ008
                secret = EncryptedTextField(unique=True)

                class Meta:
                    app_label = "backoffice"

            assert {found.id for found in Unbound.check()} >= {"backoffice.E020", "backoffice.E021"}

    def test_migrations_write_it_by_its_stable_path(self) -> None:
        _name, path, _arguments, options = EncryptedTextField("secret").deconstruct()
        assert path == "backoffice.kit.fields.EncryptedTextField"
        assert options == {"verbose_name": "secret", "blank": True, "default": ""}


class TestSecretField:
    @pytest.fixture
    def form(self, safe) -> type[forms.ModelForm]:
        return forms.modelform_factory(safe, fields=["name", "secret"])

    def test_html_never_shows_the_stored_secret(self, safe, form) -> None:
        row = safe.objects.create(secret=CANARY)
        html = form(instance=row).as_p() + form({"name": "x"}, instance=row).as_p()
        assert CANARY not in html
        assert 'type="password"' in html

    def test_a_typed_secret_is_not_echoed_beside_an_error(self, form) -> None:
        bound = form({"name": "x" * 30, "secret": CANARY})
        assert not bound.is_valid()
        assert CANARY not in bound.as_p()

    def test_blank_keeps_it(self, safe, form) -> None:
        row = safe.objects.create(secret=CANARY)
        bound = form({"name": "renamed", "secret": ""}, instance=row)
        assert bound.is_valid() and bound.changed_data == ["name"]
        bound.save()
        assert safe.objects.get().secret == CANARY

    def test_a_new_one_replaces_it(self, safe, form) -> None:
        row = safe.objects.create(secret="before")
        form({"name": "x", "secret": f" {CANARY} "}, instance=row).save()
        assert safe.objects.get().secret == CANARY

    def test_the_tick_removes_it(self, safe, form) -> None:
        row = safe.objects.create(secret=CANARY)
        form({"name": "x", "secret": "", "secret-clear": "on"}, instance=row).save()
        assert safe.objects.get().secret == ""

    def test_cleans_to_none_when_nothing_was_typed(self) -> None:
        class Keys(forms.Form):
            key = SecretField(required=False)

        empty = Keys(MultiValueDict())
        assert empty.is_valid() and empty.cleaned_data == {"key": None}

    def test_a_required_one_must_be_typed_and_has_no_tick(self) -> None:
        class Keys(forms.Form):
            key = SecretField()

        assert Keys({"key": ""}).errors["key"]
        assert "key-clear" not in Keys().as_p()


class TestKeyedDigest:
    def test_needs_the_key_and_the_purpose(self, settings) -> None:
        settings.FIELD_ENCRYPTION_KEYS = [OLD]
        first = fields.keyed_digest("4111111111111111", "card")
        assert first == fields.keyed_digest("4111111111111111", "card") and len(first) == 64
        assert first != fields.keyed_digest("4111111111111111", "code")
        settings.FIELD_ENCRYPTION_KEYS = [NEW]
        assert first != fields.keyed_digest("4111111111111111", "card")

    def test_is_kept_by_save_and_found_while_keys_rotate(self, safe, settings) -> None:
        row = safe.objects.create(secret=CANARY)
        settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
        assert safe.objects.get(digest__in=fields.keyed_digests(CANARY, "test")) == row
        row.secret = ""
        row.save()
        assert in_database(row, "digest") == ""


class TestMaskCard:
    @every(
        ("number", "shown"),
        [
            ("4111111111111111", "411111******1111"),
            ("4111 1111 1111 1234", "411111******1234"),
            ("411111111111", "411111**1111"),
            ("41111111119", "*******1119"),
            ("1234567", "*******"),
            ("", ""),
        ],
    )
    def test_shows_first_six_and_last_four(self, number: str, shown: str) -> None:
        assert fields.mask_card(number) == shown


class TestMoneyField:
    @every("typed", ["1e5", "1,5", "1 000", "NaN", "Infinity", "٣", "0x1", "--1"])
    def test_refuses_what_is_not_plain(self, typed: str) -> None:
        with pytest.raises(ValidationError):
            MoneyField().formfield().clean(typed)

    def test_keeps_eighteen_decimals_and_shows_no_zeros(self) -> None:
        field = MoneyField().formfield()
        assert field.clean("0.000000000000000001") == Decimal("0.000000000000000001")
        assert field.prepare_value(Decimal("12.500000000000000000")) == "12.5"
        assert field.prepare_value(Decimal("1200.000000000000000000")) == "1200"


class TestReencrypt:
    """Rotation (RELIABILITY L03): always readable, resumable, ends 100 % under the new key."""

    ROWS = 100

    @pytest.fixture
    def full(self, safe, settings, monkeypatch) -> type[models.Model]:
        safe.objects.bulk_create([safe(secret=f"{CANARY}-{number}") for number in range(self.ROWS)])
        settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
        monkeypatch.setattr("backoffice.management.commands.reencrypt.apps.get_models", lambda: [safe])
        return safe

    def current(self, model: type[models.Model]) -> int:
        return sum(fields.is_current(value) for value in model.objects.values_list("secret", flat=True))

    def test_stopped_at_any_batch_it_can_be_started_again(self, full, monkeypatch, settings) -> None:
        renewed, seen = EncryptedTextField.renewed, []

        def dies_now_and_then(field, row):
            fresh = renewed(field, row)
            seen.append(fresh)
            if fresh and sum(map(bool, seen)) % 37 == 36:
                raise KeyboardInterrupt
            return fresh

        monkeypatch.setattr(EncryptedTextField, "renewed", dies_now_and_then)
        stops = 0
        while True:
            try:
                call_command("reencrypt", batch_size=10, stdout=io.StringIO())
                break
            except KeyboardInterrupt:
                stops += 1
                assert [row.secret for row in full.objects.order_by("pk")] == [
                    f"{CANARY}-{number}" for number in range(self.ROWS)
                ]
        assert stops >= 2
        assert self.current(full) == self.ROWS
        settings.FIELD_ENCRYPTION_KEYS = [NEW]
        assert full.objects.first().secret == f"{CANARY}-0"
        assert full.objects.get(digest=fields.keyed_digest(f"{CANARY}-7", "test")).secret == f"{CANARY}-7"

    def test_an_unreadable_row_is_named_and_the_rest_goes_on(self, full, settings) -> None:
        settings.FIELD_ENCRYPTION_KEYS = [NEW]
        lost = full.objects.create(secret="fresh")
        settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), OLD]
        said = io.StringIO()
        with pytest.raises(CommandError, match="1 rows"):
            call_command("reencrypt", stdout=io.StringIO(), stderr=said)
        assert str(lost.uuid) in said.getvalue() and "fresh" not in said.getvalue()
        assert self.current(full) == self.ROWS

    def test_second_factors_are_rotated_too(self, db, settings, django_user_model, monkeypatch) -> None:
        from allauth.mfa.models import Authenticator
        from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
        from allauth.mfa.totp.internal.auth import TOTP

        settings.FIELD_ENCRYPTION_KEYS = [OLD]
        user = django_user_model.objects.create_user("somebody")
        TOTP.activate(user, "JBSWY3DPEHPK3PXP")
        codes = RecoveryCodes.activate(user).generate_codes()
        assert "JBSWY3DPEHPK3PXP" not in json.dumps(
            list(Authenticator.objects.values_list("data", flat=True))
        )
        settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
        call_command("reencrypt", stdout=io.StringIO())
        settings.FIELD_ENCRYPTION_KEYS = [NEW]
        assert RecoveryCodes.activate(user).generate_codes() == codes
