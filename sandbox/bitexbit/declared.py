"""What can be set about the simulated bitexbit. Holds declarations only; where the document is silent both readings can
be chosen, and the default is the likelier one."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from sandbox.bitexbit.methods import METHODS, PAIRS
from sandbox.settings import Setting

NUMBER = Decimal

SETTINGS = (
    Setting("maintenance", False, "switch", _("Everything answers 502.")),
    Setting("check_deadline", True, "switch", _("Refuse a request whose X-Timeout is over.")),
    Setting(
        "deadline_most_seconds",
        None,
        "number",
        _("Refuse an X-Timeout that is further away; empty means never."),
        required=False,
    ),
    Setting(
        "dedup", False, "switch", _("Refuse a client_order_id that was used before; nobody promises that.")
    ),
    Setting(
        "status_style",
        "document",
        "choice",
        _(
            "Statuses as in the document's samples (deposits text, withdrawals numbers), all text, or all numbers."
        ),
        ("document", "text", "number"),
    ),
    Setting(
        "amount_style",
        "document",
        "choice",
        _("Amounts of invoices and withdrawals as in the samples (mixed), or all as text."),
        ("document", "text"),
    ),
    Setting("history_page", NUMBER(100), "number", _("Rows of a history's page when no limit is asked for.")),
    Setting(
        "most_rows",
        None,
        "number",
        _("Pages never have more rows than this; empty means no limit."),
        required=False,
    ),
    Setting("default_ordering", "-id", "choice", _("The order of lists without ordering."), ("-id", "id")),
    Setting(
        "past_the_end",
        "404",
        "choice",
        _("A page behind the last one: not found, or empty."),
        ("404", "empty"),
    ),
    Setting(
        "arrivals_per_page",
        NUMBER(0),
        "number",
        _("So many new rows appear before each page of a history that is read."),
    ),
    Setting(
        "deposit_seconds",
        NUMBER(5),
        "number",
        _("Seconds until a deposit has its confirmations; 0: at once."),
    ),
    Setting(
        "payment_seconds",
        NUMBER(0),
        "number",
        _("Seconds until an invoice's payment is confirmed; 0: at once."),
    ),
    Setting("aml_success", True, "switch", _("What the AML check says of new deposits and withdrawals.")),
    Setting("aml_risk", NUMBER(0), "number", _("The AML risk of new deposits and withdrawals.")),
    Setting(
        "withdraw_path",
        [10, 20, 23, 26, 30],
        "json",
        _("The statuses that a withdrawal goes through; an empty list leaves it where it is."),
    ),
    Setting("withdraw_delay", NUMBER(5), "number", _("Seconds for the whole way; 0 means at once.")),
    Setting(
        "withdraw_first",
        "10",
        "choice",
        _("The status in the answer of a create: the table says 10, the sample shows 0."),
        ("10", "0"),
    ),
    Setting(
        "callbacks",
        "every",
        "choice",
        _("When an object with a callback_url is told of: at every change, at final ones, or never."),
        ("every", "final", "never"),
    ),
    Setting("methods", METHODS, "json", _("Payment methods by ticker:network.")),
    Setting("pairs", PAIRS, "json", _("Pairs and what one of the first costs.")),
)
