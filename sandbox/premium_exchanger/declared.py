"""What can be set about the simulated exchanger. Holds declarations only; where the document and what is seen
elsewhere differ, both readings can be chosen."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from sandbox.premium_exchanger.catalog import CURRENCIES, DIRECTIONS
from sandbox.settings import Setting

NUMBER = Decimal

SETTINGS = (
    Setting(
        "api_access",
        "all",
        "choice",
        _("Who may use the API; selected: accounts with the switch work_api."),
        ("all", "selected", "disabled"),
    ),
    Setting("maintenance", False, "switch", _("Methods about exchanges answer maintenance.")),
    Setting("create_seconds", NUMBER("0.05"), "number", _("How long create_bid takes; really over 2.")),
    Setting("dedup", True, "switch", _("Refuse a numeric api_id above zero that was used before.")),
    Setting(
        "hidden_rows", False, "switch", _("A refused create_bid leaves a hidden bid that uses up its api_id.")
    ),
    Setting(
        "rate_worse",
        NUMBER(0),
        "number",
        _("By how many per cent create_bid's rate is worse than get_calc's."),
    ),
    Setting(
        "success_flag",
        "copies",
        "choice",
        _("exchange_success of a completed bid: 1 as copies of the script say, 0 as the document does."),
        ("copies", "document"),
    ),
    Setting(
        "api_id_filter",
        "bid id",
        "choice",
        _("What get_exchanges compares api_id with: as copies do, as the document says, or nothing."),
        ("bid id", "api_id", "nothing"),
    ),
    Setting("utc_offset_hours", NUMBER(3), "number", _("How far the site's own time runs ahead of UTC.")),
    Setting("callback_status", False, "switch", _("Callbacks carry status beside bid_id.")),
    Setting("callback_repeats", NUMBER(0), "number", _("How often a refused callback is repeated.")),
    Setting(
        "callback_timeout", NUMBER(20), "number", _("How long a callback waits for its answer, in seconds.")
    ),
    Setting(
        "process_seconds",
        None,
        "number",
        _("After that time a paid bid is success; empty means never by itself."),
        required=False,
    ),
    Setting(
        "error_style",
        "mixed",
        "choice",
        _("error as a number, as a text, or now this and now that."),
        ("mixed", "number", "text"),
    ),
    Setting("amount_style", "text", "choice", _("How amounts are printed."), ("text", "number")),
    Setting(
        "fields_shape",
        "object",
        "choice",
        _("A direction's fields as an object or a list."),
        ("object", "list"),
    ),
    Setting("state_shape", "text", "choice", _("What cancel_bid and its like answer."), ("text", "object")),
    Setting(
        "empty_lists",
        "list",
        "choice",
        _("How get_exchanges and its like say that there is nothing."),
        ("list", "items", "refusal"),
    ),
    Setting("partner_program", True, "switch", _("Off: no active partner program.")),
    Setting("partner_currency", "USD", "choice", _("Currency of partners' balances."), ("USD", "RUB")),
    Setting("min_payout", NUMBER(10), "number", _("The smallest balance that can be paid out.")),
    Setting("payout_error", False, "switch", _("add_partner_payout answers error 1 although it worked.")),
    Setting(
        "commission_name",
        "commission",
        "choice",
        _("How get_partner_info spells it: as the document or as copies."),
        ("commission", "comission"),
    ),
    Setting(
        "rates",
        {"USD": "1", "USDT": "1", "RUB": "0.0108", "BTC": "67250.5", "XRP": "0.54"},
        "json",
        _("What one unit is worth, for partners' payouts."),
    ),
    Setting("currencies", CURRENCIES, "json", _("Currencies by id.")),
    Setting("directions", DIRECTIONS, "json", _("Directions by id, with rates, limits, fees and fields.")),
)
