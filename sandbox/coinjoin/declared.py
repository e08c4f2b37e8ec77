"""What can be set about the simulated CoinJoin. Holds declarations only; where the document is silent both
readings can be chosen, and the default is the likelier one."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from sandbox.coinjoin.signing import STYLES
from sandbox.settings import Setting

NUMBER = Decimal

SETTINGS = (
    Setting("maintenance", False, "switch", _("Everything answers 503.")),
    Setting("network", "main", "choice", _("Whose addresses are valid."), ("main", "test")),
    Setting(
        "signature",
        "raw",
        "choice",
        _("Over which spelling of numbers answers are signed; or wrongly, or not at all."),
        STYLES,
    ),
    Setting(
        "sign_details", True, "switch", _("One transaction is signed too; the document's example is not.")
    ),
    Setting("sign_list", False, "switch", _("So is each row of the list.")),
    Setting(
        "number_style",
        "document",
        "choice",
        _("How amounts are printed: mixed as in the document's examples, all as texts, or all as numbers."),
        ("document", "text", "number"),
    ),
    Setting(
        "boolean_style",
        "text",
        "choice",
        _("How validateAddress answers: as its example, or as its table says."),
        ("text", "boolean"),
    ),
    Setting(
        "accept_list", True, "switch", _("payouts may be a list of addresses, as in the sample: amounts 0.")
    ),
    Setting(
        "short_txid", False, "switch", _("depositTxid lacks its last digit, as in the document's example.")
    ),
    Setting(
        "status_tells_limits", False, "switch", _("status tells fees and limits; the document has none.")
    ),
    Setting("fee_fixed", NUMBER("0.0001"), "number", _("Fee of one transaction in BTC.")),
    Setting("fee_rate", NUMBER("0.02"), "number", _("Fee as a share of what is paid out.")),
    Setting(
        "fee_slip", NUMBER(0), "number", _("So much is added to the deposit that no fee explains (BTC).")
    ),
    Setting("min_payout", NUMBER("0.0001"), "number", _("Least amount of one payout in BTC.")),
    Setting("max_payout", NUMBER(100), "number", _("Largest amount of one payout in BTC.")),
    Setting("max_rows", NUMBER(100), "number", _("Most payouts of one transaction.")),
    Setting("max_delay", NUMBER(72), "number", _("Longest delay in hours.")),
    Setting("max_limit", NUMBER(100), "number", _("Most rows of one page of the list.")),
    Setting(
        "deposit_lifetime_seconds",
        NUMBER(259200),
        "number",
        _("After that time without a full deposit a transaction expires; three days in the example."),
    ),
    Setting("confirm_seconds", NUMBER(10), "number", _("How long a deposit is confirming.")),
    Setting("process_seconds", NUMBER(5), "number", _("How long the payout takes once the delay is over.")),
    Setting(
        "late_deposit",
        "expired",
        "choice",
        _("What a deposit to an expired transaction makes of it."),
        ("expired", "confirming"),
    ),
    Setting(
        "fail_status",
        "failed",
        "choice",
        _("The word of Fail, which the document does not know."),
        ("failed", "error"),
    ),
)
