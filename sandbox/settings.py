"""What can be set while the sandbox runs, kept in the ledger. Holds declarations and checks; what a setting
does stands where it is read. These are not Django's settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext_lazy as _

from sandbox.ledger import Ledger
from sandbox.wire import dump, load

WORDS = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False, "": False}


class BadSetting(ValueError):
    """A setting that does not exist or a value that it cannot have; the text is for people."""


@dataclass(frozen=True)
class Setting:
    """One setting. kind: switch, number (not negative; None = off), choice, or json (an object or a list)."""

    name: str
    default: Any
    kind: str
    help: Any
    choices: tuple[str, ...] = ()
    required: bool = True

    def clean(self, value: Any) -> Any:
        """The value as it is kept, from JSON or from a form's text. Raises BadSetting."""
        return {
            "switch": self._switch,
            "number": self._number,
            "choice": self._choice,
            "json": self._json,
        }[self.kind](value)

    def _switch(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in WORDS:
            return WORDS[value.lower()]
        raise BadSetting(f"{self.name}: true or false, please.")

    def _number(self, value: Any) -> Decimal | None:
        if value is None or value == "":
            if self.required:
                raise BadSetting(f"{self.name}: a number, please.")
            return None
        try:
            number = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or number < 0:
            raise BadSetting(f"{self.name}: a number of zero or more, please.")
        return number

    def _choice(self, value: Any) -> str:
        if value not in self.choices:
            raise BadSetting(f"{self.name}: one of {', '.join(self.choices)}, please.")
        return str(value)

    def _json(self, value: Any) -> Any:
        if isinstance(value, str):
            try:
                value = load(value)
            except ValueError as error:
                raise BadSetting(f"{self.name}: this is not JSON.") from error
        if value is None and not self.required:
            return None
        if not isinstance(value, (dict, list)):
            raise BadSetting(f"{self.name}: an object or a list, please.")
        return value


# Every provider has these.
COMMON = (
    Setting(
        "callback_retry_seconds",
        Decimal(30),
        "number",
        _("First pause after a refused callback; it doubles."),
    ),
    Setting("callback_repeats", Decimal(10), "number", _("How often a refused callback is repeated.")),
    Setting(
        "callback_timeout", Decimal(10), "number", _("How long a callback waits for its answer, in seconds.")
    ),
    Setting(
        "rate_limit", None, "number", _("Calls per second and account; empty means no limit."), required=False
    ),
    Setting(
        "retry_after",
        None,
        "number",
        _("Retry-After of an answer over the limit; empty means that it is not sent."),
        required=False,
    ),
    Setting("date_offset_seconds", Decimal(0), "number", _("How far the Date header of answers runs ahead.")),
)


def _common(own: Sequence[Setting]) -> list[Setting]:
    """What every provider has, but for what one declares by itself with another default."""
    names = {setting.name for setting in own}
    return [setting for setting in COMMON if setting.name not in names]


class Settings:
    """Values by provider and name: the default, or what was set and is kept in the ledger."""

    def __init__(self, ledger: Ledger, declared: Mapping[str, Sequence[Setting]]) -> None:
        self._ledger = ledger
        self.declared = {
            provider: {setting.name: setting for setting in (*own, *_common(own))}
            for provider, own in declared.items()
        }
        self._values: dict[str, dict[str, Any]] = {}
        self.read()

    def read(self) -> None:
        """Take the values from the ledger again."""
        values: dict[str, dict[str, Any]] = {provider: {} for provider in self.declared}
        with self._ledger.transaction() as db:
            for row in db.execute("select provider, name, value from settings"):
                if row["name"] in self.declared.get(row["provider"], {}):
                    values[row["provider"]][row["name"]] = load(row["value"])
        self._values = values

    def get(self, provider: str, name: str) -> Any:
        """The value of one setting."""
        setting = self.declared[provider][name]
        return self._values[provider].get(name, setting.default)

    def all(self, provider: str) -> dict[str, Any]:
        """Every setting of a provider with its value."""
        return {name: self.get(provider, name) for name in self.declared[provider]}

    def update(self, provider: str, changes: Mapping[str, Any]) -> None:
        """Set several at once, or none. Raises BadSetting."""
        declared = self.declared[provider]
        unknown = sorted(set(changes) - set(declared))
        if unknown:
            known = ", ".join(sorted(declared))
            raise BadSetting(f"There is no setting {', '.join(unknown)}. There are: {known}.")
        cleaned = {name: declared[name].clean(value) for name, value in changes.items()}
        with self._ledger.transaction() as db:
            for name, value in cleaned.items():
                db.execute(
                    "insert into settings (provider, name, value) values (?, ?, ?)"
                    " on conflict (provider, name) do update set value = excluded.value",
                    (provider, name, dump(value)),
                )
        self._values[provider] = {**self._values[provider], **cleaned}
