"""Exchangers' bare words and codes of states, with what they mean. The words are the provider's, from its own module."""

from __future__ import annotations

from django.utils.translation import gettext as _

from payments.providers import PROVIDERS


def of_bid(provider: str, word: str) -> str:
    """The exchanger's word for a bid with what it means: “payed · we have said that it is paid”."""
    return _with_meaning(word, getattr(PROVIDERS[provider], "bid_words", {}))


def of_payout(provider: str, word: str) -> str:
    """The same for a payout of the partner programme: “1 · paid out”."""
    return _with_meaning(word, getattr(PROVIDERS[provider], "payout_words", {}))


def _with_meaning(word: str, known: dict[str, str]) -> str:
    if not word:
        return ""
    meaning = known.get(word.strip().casefold())
    return f"{word} · {_(meaning)}" if meaning else _("%s · not known here") % word
