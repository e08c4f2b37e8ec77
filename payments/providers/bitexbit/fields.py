"""The forms and keys of bitexbit, as data. Parameter names are the document's, sentences are ours.

Its payment methods are no data of ours: each account asks for its own list.
"""

from __future__ import annotations

from payments.providers.base import Field
from payments.providers.words import gettext_noop as _

CREDENTIALS = (
    Field("api_key", _("API key"), required=True, secret=True, help=_("From “API” in the bitexbit profile.")),
    Field(
        "api_secret",
        _("Secret key"),
        required=True,
        secret=True,
        help=_("It signs every request. Enter it exactly as the profile shows it, with every sign."),
    ),
)

FROM_BALANCE, FROM_AMOUNT = "1", "2"
#: Our word for each, as reports carry it.
FEE_PAYERS = {FROM_BALANCE: "balance", FROM_AMOUNT: "amount"}

_TICKER = Field("ticker", _("Currency"), "choice", required=True, help=_("One that bitexbit lists."))
_NETWORK = Field(
    "network",
    _("Network"),
    "choice",
    required=True,
    help=_("The network or payment system. The same currency has other limits and fees on another one."),
)
_CONVERSION = (
    Field(
        "convert_ticker",
        _("Convert into"),
        help=_(
            "Empty means no conversion. Otherwise bitexbit places an order by itself for whatever arrives, at its "
            "market and without asking."
        ),
        max_length=16,
    ),
    Field(
        "convert_limit",
        _("Convert at most"),
        "amount",
        money=True,
        help=_("Of 100 that arrive, a limit of 20 converts 20. Empty means everything."),
    ),
    Field(
        "convert_percent",
        _("Worse than the market by, %"),
        help=_(
            "Needed with a conversion. 2 sells at 98 or buys at 102 when the market is at 100; below zero waits for a "
            "better price than the market's."
        ),
        max_length=20,
    ),
)

WALLET = (_TICKER, _NETWORK, *_CONVERSION)

INVOICE = (
    _TICKER,
    _NETWORK,
    Field(
        "amount",
        _("Amount"),
        "amount",
        required=True,
        money=True,
        help=_("What the payer pays. We get it less the fee of the payment method."),
    ),
    Field(
        "client_ip",
        _("Payer's IP address"),
        required=True,
        help=_("Only from this address the payment is possible: it must be the payer's, not ours."),
        max_length=45,
    ),
    Field(
        "payment_url",
        _("Page after payment"),
        "url",
        help=_("Where the payer goes afterwards."),
        max_length=1000,
    ),
    Field(
        "cancel_url",
        _("Page after canceling"),
        "url",
        help=_("Where the payer goes after canceling."),
        max_length=1000,
    ),
    *_CONVERSION,
)

WITHDRAWAL = (
    _TICKER,
    _NETWORK,
    Field(
        "address",
        _("Payee's address"),
        help=_("Needed for a cryptocurrency; nothing for the others."),
        max_length=300,
    ),
    Field("card", _("Payee's card"), help=_("Needed for ordinary money; nothing for coins."), max_length=40),
    Field("payment_id", _("Payment ID"), help=_("Only where the network needs one."), max_length=200),
    Field("memo", _("Memo"), help=_("Only where the network needs one."), max_length=200),
    Field(
        "destination_tag", _("Destination tag"), help=_("Only where the network needs one."), max_length=200
    ),
    Field("amount", _("Amount"), "amount", required=True, money=True),
    Field("comment", _("Comment"), "textarea", help=_("bitexbit keeps it."), max_length=1000),
    Field(
        "fee_payer",
        _("Fee is taken from"),
        "choice",
        choices=((FROM_BALANCE, _("Our balance")), (FROM_AMOUNT, _("The amount: the payee gets less"))),
        help=_("Our balance without a choice. The amount only where the fee is in its currency."),
    ),
    Field(
        "auto_buy_ticker",
        _("Buy with"),
        help=_(
            "Empty means that nothing is bought. Otherwise bitexbit places an order by itself to get what it sends."
        ),
        max_length=16,
    ),
    Field(
        "auto_buy_percent",
        _("Worse than the market by, %"),
        help=_(
            "Needed with such an order. 2 buys at 102 or sells at 98 when the market is at 100; below zero waits for a "
            "better price than the market's."
        ),
        max_length=20,
    ),
)
