"""What the words of an exchanger's own form ask for: a tag, a card, an account, an e-mail address, a network. English,
and Russian as most exchangers write it. Pure: no model, no network.
"""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from payments.addresses import CARD, check, looks_like_card

_TAG = re.compile(r"\b(tag|memo|payment[ _-]?id|destination[ _-]?tag)\b", re.IGNORECASE)
_CARD_WORDS = re.compile(r"\b(?:master)?card\b|\bvisa\b|\bкарт[аыуе]\b", re.IGNORECASE)
_NOT_ITS_NUMBER = re.compile(
    r"holder|owner|name|expir|cv[vc]|bank\b|type|account|wallet|phone|iban|\bor\b|country|currency"
    r"|владел|имя|срок|банк|тип|счет|счёт|кошел|телефон|\bили\b",
    re.IGNORECASE,
)
_SIXTEEN = re.compile(r"\b16[ -]*(?:digits?|numbers?|цифр)", re.IGNORECASE)
_ACCOUNT_WORDS = re.compile(
    r"\b(?:account|card|iban|wallet|purse|requisites?)\b|карт[аыуе]|сч[её]т|кошел|реквизит", re.IGNORECASE
)
# Words of a currency's title that name a network, and those that only go with one.
_TITLE = {
    "bitcoin": "bitcoin",
    "btc": "bitcoin",
    "ethereum": "ethereum",
    "eth": "ethereum",
    "litecoin": "litecoin",
}
_TITLE |= {"ltc": "litecoin", "tron": "tron", "trx": "tron", "erc20": "ethereum", "trc20": "tron"}
_TITLE |= {"visa": CARD, "mastercard": CARD, "card": CARD}
_TITLE_BESIDE = {
    **dict.fromkeys(("tether", "usdt", "usd", "coin", "usdc"), ("ethereum", "tron", CARD)),
    **dict.fromkeys(("eur", "rub", "uah", "kzt", "gbp"), (CARD,)),
}


def asks_for_tag(words: str) -> bool:
    """Whether a form's words for a field ask for a tag or memo, which belongs to an address."""
    return _TAG.search(words) is not None


def asks_for_card(label: str, help: str = "") -> bool:
    """Whether a form's words for a field ask for the number of a card and for nothing else."""
    if _CARD_WORDS.search(label):
        return _NOT_ITS_NUMBER.search(label) is None
    return _CARD_WORDS.search(help) is not None and _SIXTEEN.search(help) is not None


def asks_for_account(label: str) -> bool:
    """Whether a form's words for a field ask for a card, an account or a wallet."""
    return _ACCOUNT_WORDS.search(label) is not None


def card_problem(value: str, label: str, help: str = "") -> str:
    """What is wrong with a number typed where a form asks for that of a card, as a sentence; "" for nothing."""
    sixteen = _SIXTEEN.search(f"{label} {help}") is not None
    is_card = asks_for_card(label, help)
    digits = re.sub(r"[ -]", "", value)
    if (is_card or sixteen) and not re.fullmatch(r"[0-9]+", digits, re.ASCII):
        return _("Only digits, please: this asks for the number of a card.")
    if sixteen and len(digits) != 16:
        return _("A number of 16 digits is asked for, and this one has %(n)d.") % {"n": len(digits)}
    return check(CARD, digits).words if is_card and not looks_like_card(digits) else ""


def typed_problem(value: str, label: str, help: str = "", *, is_email: bool) -> str:
    """What is wrong with what was typed into a field of an exchanger's own form, by its words; "" for nothing.

    `is_email`: the provider's module has read it as a field for an e-mail address.
    """
    if is_email:
        try:
            validate_email(value)
        except ValidationError:
            return _("This is not an e-mail address.")
        return ""
    return card_problem(value, label, help)


def network_of_title(title: str) -> str | None:
    """The network of a currency as an exchanger titles it (“Tether TRC20 USDT”), `card` for cards, or None.

    None as soon as a word is not known: “Bitcoin Cash” is not Bitcoin.
    """
    words = [word for word in re.split(r"[^0-9a-z]+", title.lower().replace("rc-20", "rc20")) if word]
    named = {_TITLE[word] for word in words if word in _TITLE}
    if "tron" in named and "trc20" in words:
        named = {"tron"}
    if len(named) != 1:
        return None
    network = named.pop()
    beside = [word for word in words if word not in _TITLE]
    return network if all(network in _TITLE_BESIDE.get(word, ()) for word in beside) else None
