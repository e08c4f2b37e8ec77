"""What the audit trail says: every verb that the code writes has a sentence."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from backoffice.kit import verbs
from tests.every import every
from tests.source import PRODUCT, called, modules


def written() -> Iterator[str]:
    """The verbs given to audit.record as they stand there; those put together at run time are not seen."""
    for module in modules(*PRODUCT):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and called(node) == "record" and len(node.args) >= 3:
                for part in ast.walk(node.args[1]):
                    text = part.value if isinstance(part, ast.Constant) else None
                    if isinstance(text, str) and "." in text.rstrip("."):
                        yield text


def test_verbs_are_found() -> None:
    assert {"invoice.created", "account.changed"} <= set(written())


@every("verb", sorted(set(written())))
def test_a_verb_has_its_sentence(verb: str) -> None:
    assert verb in dict(verbs.known())


class TestSentence:
    def test_an_unknown_verb_is_spelled_with_spaces(self) -> None:
        assert verbs.sentence("odd_thing.was_done") == "Odd thing was done"

    def test_a_verb_is_said_once(self) -> None:
        with pytest.raises(ValueError, match=r"note\.added"):
            verbs.say({"note.added": "Again"})
