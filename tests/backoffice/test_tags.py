"""The template tags, as templates use them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.template import Context, engines

from backoffice.kit import html
from backoffice.kit.views.actions import Action, Offer
from payments.models import Invoice


def drawn(text: str, **values: Any) -> str:
    template = engines["django"].engine.from_string("{% load i18n kit %}" + text)  # type: ignore[attr-defined]
    return template.render(Context(values)).strip()


class TestTags:
    def test_status_is_toned_by_the_model(self) -> None:
        assert drawn("{% status one %}", one=Invoice(status="unknown")) == html.pill("Unknown", "warn")
        assert drawn('{% status one "fee_payer" %}', one=Invoice()) == html.pill("payer", "muted")

    @pytest.mark.django_db
    def test_a_fact_takes_what_stands_inside(self) -> None:
        text = '{% fact _("Amount") %}{% money amount "EUR" %}{% endfact %}'
        assert drawn(text, amount=Decimal(1)) == html.fact("Amount", html.money(Decimal(1), "EUR"))
        assert html.EMPTY in drawn("{% fact label %}{{ nothing }}{% endfact %}", label="x")

    def test_what_people_typed_is_escaped_inside_and_in_labels(self) -> None:
        typed = "<script>x</script>"
        text = "{% panel typed typed %}{% fact typed %}{{ typed }}{% endfact %}{% copyable typed typed %}{% endpanel %}"
        assert "<script" not in drawn(text, typed=typed)

    @pytest.mark.parametrize(
        ("name", "letters"),
        [
            ("anna.approver", "AA"),
            ("Ada Byron", "AB"),
            ("bob", "BO"),
            ("x", "X"),
            ("a_b-c", "AB"),
            ("..", ".."),
        ],
    )
    def test_initials(self, name: str, letters: str) -> None:
        assert drawn("{{ name|initials }}", name=name) == letters

    def test_whole_numbers_are_grouped(self) -> None:
        assert drawn("{{ n|grouped }}", n=10_000) == "10,000"

    def test_an_action_is_a_form_with_a_token_or_a_link(self) -> None:
        one = Offer(Action("Go <on>", "x", "backoffice.add_note", "check", "primary"), "/go/")
        page = drawn("{% action offer %}", offer=one, csrf_token="t0ken")
        assert '<form method="post" action="/go/" data-once>' in page
        assert 'value="t0ken"' in page
        assert "Go &lt;on&gt;" in page
        one = Offer(Action("Go", "x", "backoffice.add_note", confirm=True), "/go/")
        assert drawn("{% action offer %}", offer=one) == '<a class="btn btn-secondary" href="/go/">Go</a>'
