"""What may be said about bitloga's settings in short forms, spelled out. Holds no defaults (see declared)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sandbox.bitloga.methods import method
from sandbox.routes import ControlError, object_of

if TYPE_CHECKING:
    from sandbox.bitloga.provider import Bitloga

# Short forms: what `limits` and `fees` may say about a method.
SHORT = {
    "limits": {"min": "min", "max": "max", "reserve": "reserve"},
    "fees": {"fixed": "fee_fixed", "rate": "fee_rate", "invoice_rate": "invoice_fee_rate"},
}
MERGED = ("methods", "rates", "scales", "code_limits", "payment_errors")


def merge_settings(provider: Bitloga, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Spell out `limits` and `fees`, and lay single methods, rates, currencies over those that there are;
    None takes one away. Raises ControlError."""
    merged = {name: value for name, value in changes.items() if name not in (*SHORT, *MERGED)}
    for name in MERGED:
        given = object_of(changes, name)
        if given is not None:
            merged[name] = _laid_over(provider.setting(name), given)
    for name, words in SHORT.items():
        methods = dict(merged.get("methods") or provider.setting("methods"))
        for code, values in (object_of(changes, name) or {}).items():
            if code not in methods:
                raise ControlError(f"{name}: there is no method {code}.")
            if not isinstance(values, dict) or set(values) - set(words):
                raise ControlError(f"{name}: for each method an object with {', '.join(words)}.")
            methods[code] = {**methods[code], **{words[key]: value for key, value in values.items()}}
            merged["methods"] = methods
    for code, value in merged.get("methods", {}).items():
        try:
            method(code, value)
        except (ArithmeticError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise ControlError(
                f"methods: {code} needs a currency, and numbers where numbers stand."
            ) from error
    return merged


def _laid_over(current: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """One object over another, one level deep in values that are objects themselves."""
    result = dict(current)
    for key, value in given.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = {**result[key], **value}
        else:
            result[key] = value
    return result
