"""The forms, keys and payment systems of bitloga, as data. Parameter names are the document's, sentences are
ours.
"""

from __future__ import annotations

from payments.providers.base import Field, Method
from payments.providers.words import gettext_noop as _

CREDENTIALS = (
    Field(
        "api_key", _("API key"), required=True, secret=True, help=_("From “API keys” in the bitloga panel.")
    ),
    Field(
        "api_secret",
        _("Secret key"),
        required=True,
        secret=True,
        help=_(
            "The panel shows it only once, when the key is made. It signs every request and every callback."
        ),
    ),
)

PAYER, PAYEE = "payer", "payee"

INVOICE = (
    Field(
        "paysys",
        _("We receive in"),
        "choice",
        required=True,
        help=_("The payment system that the money arrives in once the invoice is paid."),
    ),
    Field(
        "amount",
        _("Amount"),
        "amount",
        money=True,
        help=_(
            "What we receive, in the currency of the payment system. Leave it empty if you fix what is paid."
        ),
    ),
    Field(
        "pay_amount",
        _("Worth in the payer's currency"),
        "amount",
        money=True,
        help=_(
            "Instead of the amount: what it should be worth in the currency of the one payment system that "
            "the payer may use. Fees make the payer's sum differ, mostly upwards."
        ),
    ),
    Field(
        "purse",
        _("Receiving account"),
        help=_("Our wallet, address or card there. Not needed for an internal balance."),
        max_length=300,
    ),
    Field(
        "paylist",
        _("Payer may pay with"),
        "multichoice",
        help=_("Empty means any way. Exactly one is needed when the worth in the payer's currency is fixed."),
    ),
    Field(
        "comis",
        _("Fee is paid by"),
        "choice",
        choices=((PAYER, _("The payer")), (PAYEE, _("Us"))),
        help=_("Without a choice the payer pays it."),
    ),
    Field("dtag", _("Tag or memo"), help=_("Only where the receiving account needs one."), max_length=200),
    Field("email", _("Payer's e-mail"), "email", max_length=254),
    Field("name", _("First name"), help=_("Needed when a card receives the money."), max_length=200),
    Field("surname", _("Last name"), help=_("Needed when a card receives the money."), max_length=200),
    Field("desc", _("Description"), "textarea", help=_("The payer sees this."), max_length=1000),
    Field(
        "successurl",
        _("Page after payment"),
        "url",
        help=_("Where the payer goes afterwards."),
        max_length=1000,
    ),
    Field(
        "failurl",
        _("Page after a failure"),
        "url",
        help=_("Where the payer goes if it fails."),
        max_length=1000,
    ),
)

WITHDRAWAL = (
    Field("currency", _("From balance"), "choice", required=True, help=_("The balance that is debited.")),
    Field(
        "paysys", _("Pay with"), "choice", required=True, help=_("The payment system that the payee uses.")
    ),
    Field(
        "amount",
        _("Payee receives"),
        "amount",
        required=True,
        money=True,
        help=_("In the currency of the payment system. The debit differs by exchange rate and fee."),
    ),
    Field(
        "purse",
        _("Payee's account"),
        required=True,
        help=_("Wallet, address, card number or login of the payee."),
        max_length=300,
    ),
    Field("dtag", _("Tag or memo"), help=_("Only where the payee's account needs one."), max_length=200),
    Field("name", _("Payee's first name"), help=_("Needed for cards."), max_length=200),
    Field("surname", _("Payee's last name"), help=_("Needed for cards."), max_length=200),
)

VOUCHER = (
    Field("amount", _("Amount"), "amount", required=True, money=True, help=_("Taken from our balance.")),
    Field(
        "currency", _("Currency"), "choice", required=True, help=_("The balance that the code is made from.")
    ),
    Field(
        "pass",
        _("Password"),
        secret=True,
        help=_("If there is one, it is needed to redeem the code. Send it by another way."),
        max_length=200,
    ),
    Field("desc", _("Description"), "textarea", max_length=1000),
)

REDEEM = (
    Field("code", _("Code"), required=True, secret=True, max_length=200),
    Field("pass", _("Password"), secret=True, help=_("Only if the code was made with one."), max_length=200),
)


def _coin(code: str, title: str, currency: str) -> Method:
    return Method(code, title, currency, ("invoice",))


#: What the document lists. Its examples use more: the list of an account is edited by admins.
METHODS = (
    _coin("BTC", "Bitcoin", "BTC"),
    _coin("LTC", "Litecoin", "LTC"),
    _coin("USDTTRC20", "USDT TRC20", "USDT"),
    _coin("USDTERC20", "USDT ERC20", "USDT"),
    Method("RUBBALANCE", _("RUB balance"), "RUB", ("invoice",), needs_purse=False, internal_balance=True),
    Method(
        "USDTBALANCE",
        _("USDT balance"),
        "USDT",
        ("invoice", "withdraw"),
        needs_purse=False,
        internal_balance=True,
    ),
)
