"""The audit trail's verbs as plain sentences. Each app says its own, from its office.py."""

from __future__ import annotations

from typing import Any

_sentences: dict[str, Any] = {}


def say(sentences: dict[str, Any]) -> None:
    """Add sentences: {"invoice.created": _("Invoice created")}. Raises ValueError for a known verb."""
    if doubled := _sentences.keys() & sentences.keys():
        raise ValueError(f"said already: {', '.join(sorted(doubled))}")
    _sentences.update(sentences)


def sentence(verb: str) -> str:
    """What a person reads for this verb; an unknown one is spelled with spaces."""
    if verb in _sentences:
        return str(_sentences[verb])
    return verb.replace(".", " ").replace("_", " ").strip().capitalize()


def known() -> list[tuple[str, str]]:
    """All verbs with their sentences, as choices in the order of the sentences."""
    return sorted(((verb, str(text)) for verb, text in _sentences.items()), key=lambda pair: pair[1])
