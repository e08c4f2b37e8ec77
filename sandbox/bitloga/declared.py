"""What can be set about the simulated bitloga. Holds declarations only; where the document is silent both
readings can be chosen, and the default is the likelier one."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from sandbox.bitloga.methods import METHODS, RATES, SCALES
from sandbox.bitloga.numbers import STYLES
from sandbox.settings import Setting

NUMBER = Decimal

SETTINGS = (
    Setting("maintenance", False, "switch", _("Everything answers Service unavailable.")),
    Setting("api_enabled", True, "switch", _("Off: everything answers API is disabled.")),
    Setting("invoice_api_enabled", True, "switch", _("Off: invoices answer Invoice API is disabled.")),
    Setting("codes_api_enabled", True, "switch", _("Off: codes answer Codes API is disabled.")),
    Setting("dedup", True, "switch", _("Refuse a unique id that was used before.")),
    Setting("burn_failed_ids", False, "switch", _("A refused try makes its unique id unusable.")),
    Setting("uniqueid_max_length", NUMBER(64), "number", _("Longer unique ids are Bad data.")),
    Setting("error_status", NUMBER(200), "number", _("HTTP status of refusals; the document does not say.")),
    Setting("number_style", "php", "choice", _("How numbers are printed in answers."), STYLES),
    Setting(
        "id_style", "number", "choice", _("How invoiceid and orderid are printed."), ("number", "string")
    ),
    Setting(
        "requisites",
        "auto",
        "choice",
        _("Payment details in answers: when the way to pay is clear, whenever possible, or never."),
        ("auto", "always", "never"),
    ),
    Setting(
        "requisites_shape", "object", "choice", _("As an object or as a list of one."), ("object", "list")
    ),
    Setting("invoice_pending_seconds", NUMBER(0), "number", _("How long a payment is Pending before Payed.")),
    Setting(
        "invoice_complete_seconds",
        None,
        "number",
        _("After that time Payed becomes Complete; empty means never by itself."),
        required=False,
    ),
    Setting(
        "invoice_lifetime_seconds",
        None,
        "number",
        _("After that time an unpaid invoice is Canceled; empty means never."),
        required=False,
    ),
    Setting(
        "withdraw_delay", NUMBER(5), "number", _("Seconds until a withdrawal is final; 0 means at once.")
    ),
    Setting("withdraw_status", "Pending", "choice", _("Its status until then."), ("Pending", "Created")),
    Setting("withdraw_outcome", "Complete", "choice", _("How it ends."), ("Complete", "Error", "Canceled")),
    Setting(
        "utc_offset_hours", NUMBER(3), "number", _("Zone of createtime and applytime, which is not told.")
    ),
    Setting("ticker_shape", "list", "choice", _("Shape of the rates; undocumented."), ("list", "map")),
    Setting("methods", METHODS, "json", _("Payment systems by code.")),
    Setting("rates", RATES, "json", _("What one unit of a currency is worth in USD.")),
    Setting("scales", SCALES, "json", _("Decimals of currencies.")),
    Setting("code_limits", {}, "json", _("Limits of codes by currency, with min and max.")),
    Setting("unverified_cards", ["4000000000000002"], "json", _("Cards that answer Card is not verified.")),
    Setting("payment_errors", {}, "json", _("Purses that answer Payment error, with the error's text.")),
    Setting("disabled_directions", [], "json", _("Withdrawal directions switched off, such as USDT>WMZ.")),
    Setting(
        "withdraw_currencies",
        None,
        "json",
        _("Balances from which withdrawals are supported; empty means all."),
        required=False,
    ),
)
