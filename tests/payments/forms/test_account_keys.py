"""The boxes for keys: one per key, and whose it is while the provider is still being chosen."""

from __future__ import annotations

from payments.forms.account_keys import KEY, is_always_needed, key_fields
from payments.providers import PROVIDERS
from tests.every import every


class TestBoxes:
    @every("provider", PROVIDERS)
    def test_of_one_provider(self, provider: str) -> None:
        boxes = key_fields(provider)
        assert list(boxes) == [KEY + field.name for field in PROVIDERS[provider].credentials]
        for field in PROVIDERS[provider].credentials:
            box = boxes[KEY + field.name]
            assert (str(box.label), str(box.help_text)) == (field.label, field.help)
            assert not box.required
            assert ('value="typed"' in box.widget.render("x", "typed")) == (not field.secret)

    def test_of_all_say_whose_they_are(self) -> None:
        boxes = key_fields(None)
        names = {field.name for client in PROVIDERS.values() for field in client.credentials}
        assert set(boxes) == {KEY + name for name in names}
        assert str(boxes["key_api_secret"].label) == "Secret key (bitloga, bitexbit)"
        assert "coinjoin" in str(boxes["key_secret_key"].label)
        labels = [str(box.label) for box in boxes.values()]
        assert len(set(labels)) == len(labels)

    def test_what_every_provider_needs(self) -> None:
        for name in key_fields(None):
            holders = [
                client
                for client in PROVIDERS.values()
                if any(KEY + field.name == name and field.required for field in client.credentials)
            ]
            assert is_always_needed(name) == (len(holders) == len(PROVIDERS))
