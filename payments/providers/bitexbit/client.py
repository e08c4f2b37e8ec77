"""The bitexbit client: what it is and what it needs, as data, and the connection test. The calls stand with their
nouns.

Source: the document of the bitexbit API gateway. Its trading APIs v1 and v2 and its announced AML call are not used.
"""

from __future__ import annotations

from payments.providers.base import Hint, ProbeReport, Raw
from payments.providers.bitexbit import callbacks, clock, fields, parameters, signing
from payments.providers.bitexbit.invoices import InvoiceCalls
from payments.providers.bitexbit.methods import MethodCalls, method_list
from payments.providers.bitexbit.wallets import WalletCalls
from payments.providers.bitexbit.withdrawals import WithdrawalCalls
from payments.providers.errors import Denied
from payments.providers.exchange import Answer
from payments.providers.words import gettext_noop as _

ACCEPTED = _("accepted")


class Bitexbit(MethodCalls, WalletCalls, InvoiceCalls, WithdrawalCalls):
    """One account at bitexbit. Every method raises only the closed set of `errors`.

    `create_wallet`, `create_invoice` and `withdraw` are sent once, and only while the clocks agree; all others only
    ask, and are repeated within their time. Lists come whole, page by page, or not at all.
    """

    name = "bitexbit"
    title = "bitexbit"
    live_base_url = "https://www.bitexbit.com/"
    credentials = fields.CREDENTIALS
    wallet_fields = fields.WALLET
    invoice_fields = fields.INVOICE
    withdrawal_fields = fields.WITHDRAWAL
    states_balances = False
    dedupes = "B"
    grades = {"wallet": "B", "invoice": "B", "withdraw": "B"}
    default_rate = 2
    request_lifetime = signing.LIFETIME_MS / 1000
    hidden = frozenset(
        {"api_key", "api_secret", "x-key", "x-sign", "x_key", "x_sign", "signature", "sign", "secret", "card"}
    )

    def read(self, raw: Raw) -> Hint:
        """Read a callback: it proves nothing, so ask."""
        return callbacks.read(raw)

    def check(self) -> ProbeReport:
        """Test the connection: key and signature are accepted, and the clocks agree. No balance is stated.

        Raises Denied while they are more than two seconds apart, because nothing could be sent then.
        """
        request, sent = self._signed(
            "check", "GET", "payment-methods", query=parameters.methods_query(""), safe=True
        )
        skew: int | None = None
        judge = self._judge("check", sent, method_list, safe=True)

        def read(answer: Answer) -> int:
            nonlocal skew
            found = judge(answer)
            skew = answer.clock_skew_ms
            return len(found)

        found = self._talk(request, read)
        apart = clock.known(self._base_url)
        if apart is not None and clock.is_apart(apart):
            line = f"check: the clocks are {apart} ms apart"
            raise Denied(line, staff=clock.APART, params={"seconds": clock.seconds(apart)})
        return ProbeReport(True, {}, skew, {"signature": ACCEPTED, "payment methods": str(found)})
