"""Form fields built from a provider's fields, which are data."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from backoffice.kit.forms import AmountField, CodesField, form_field
from payments.providers import PROVIDERS
from payments.providers.base import Field
from tests.every import every


class TestFormField:
    @every(
        ("kind", "field", "widget"),
        [
            ("text", forms.CharField, forms.TextInput),
            ("amount", AmountField, forms.TextInput),
            ("choice", forms.ChoiceField, forms.Select),
            ("email", forms.EmailField, forms.EmailInput),
            ("url", forms.CharField, forms.URLInput),
            ("textarea", forms.CharField, forms.Textarea),
            ("multichoice", CodesField, CodesField.widget),
        ],
    )
    def test_every_kind_of_the_contract_has_its_field(self, kind: str, field: Any, widget: Any) -> None:
        built = form_field(Field("x", "Label", kind, required=True, help="Help"))
        assert type(built) is field
        assert type(built.widget) is widget
        assert (str(built.label), str(built.help_text), built.required) == ("Label", "Help", True)

    def test_a_kind_outside_the_contract_is_refused(self) -> None:
        with pytest.raises(ValueError, match="x: colour is no kind of field"):
            form_field(Field("x", "Label", "colour"))

    def test_no_help_is_no_help(self) -> None:
        assert form_field(Field("x", "Label")).help_text == ""

    def test_the_accounts_own_list_fills_an_empty_choice(self) -> None:
        built: Any = form_field(Field("x", "Label", "choice"), choices=[("BTC", "Bitcoin")])
        assert built.clean("BTC") == "BTC"
        with pytest.raises(ValidationError):
            built.clean("LTC")

    def test_a_list_of_the_providers_own_stays_closed(self) -> None:
        given = Field("x", "Label", "multichoice", choices=(("a", "A"), ("b", "B")))
        built = form_field(given, choices=[("BTC", "Bitcoin")])
        assert built.clean(["a"]) == ["a"]
        with pytest.raises(ValidationError):
            built.clean(["BTC"])

    def test_a_secret_is_never_sent_back_to_the_browser(self) -> None:
        built = form_field(Field("x", "Label", secret=True))
        assert 'value="hidden"' not in built.widget.render("x", "hidden")

    def test_the_longest_text_is_the_documents(self) -> None:
        built = form_field(Field("x", "Label", max_length=3))
        with pytest.raises(ValidationError):
            built.clean("four")

    @every("provider", list(PROVIDERS))
    def test_every_field_of_every_provider_can_be_built(self, provider: str) -> None:
        client = PROVIDERS[provider]
        for field in (
            *client.invoice_fields,
            *client.withdrawal_fields,
            *client.voucher_fields,
            *client.batch_fields,
        ):
            assert form_field(field).label


class TestAmountField:
    @every("typed", ["1", " 12.50 ", "0.00000001", "100000000000"])
    def test_keeps_the_text(self, typed: str) -> None:
        assert AmountField().clean(typed) == typed.strip()

    @every("typed", ["1,5", "1e3", "NaN", "Infinity", "1 000", "٣", "0x10", "1" * 41])
    def test_refuses_what_is_no_plain_number(self, typed: str) -> None:
        with pytest.raises(ValidationError):
            AmountField().clean(typed)


class TestCodesField:
    def typed(self, query: str) -> list[str]:
        return CodesField.widget().value_from_datadict(QueryDict(query), {}, "x")

    def test_ticks_and_typed_codes_are_one_list_without_doubles(self) -> None:
        assert self.typed("x=BTC&x=LTC&x-other=SBP_RUB%2C+BTC%3B%0Axrp") == ["BTC", "LTC", "SBP_RUB", "xrp"]

    def test_nothing_is_nothing(self) -> None:
        assert self.typed("x-other=+%2C+") == []

    def test_unknown_codes_come_back_in_their_box(self) -> None:
        built = form_field(Field("x", "Label", "multichoice"), choices=[("BTC", "BTC")])
        drawn = built.widget.render("x", ["BTC", "SBP_RUB"], attrs={"id": "id_x"})
        assert 'value="BTC" checked' in drawn
        assert 'name="x-other" value="SBP_RUB"' in drawn

    def test_what_looks_like_no_code_is_named(self) -> None:
        built = form_field(Field("x", "Label", "multichoice"))
        assert built.clean(["SBP_RUB"]) == ["SBP_RUB"]
        with pytest.raises(ValidationError, match="<b>"):
            built.clean(["<b>"])
