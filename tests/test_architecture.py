"""Imports run downwards only: every import of the source is read and compared with the floors below.

A module that stands on no floor fails: put it on one. Imports inside functions and for types count too.
"""

from __future__ import annotations

import pytest

from tests.source import OURS, PRODUCT, Import, below, imports, modules, names

# From the ground up; a module belongs to the longest name that it is below.
FLOORS: list[tuple[str, list[str]]] = [
    (
        "ground",
        [
            *("backoffice.kit.money", "backoffice.kit.fields", "backoffice.kit.states", "payments.addresses"),
            *("backoffice", "backoffice.settings", "backoffice.celery", "backoffice.wsgi", "backoffice.logs"),
            *("backoffice.embedded", "backoffice.binaries", "backoffice.processes", "backoffice.runner"),
            "backoffice.installation",
            "payments.form_words",
            "backoffice.triggers",
            "backoffice.errors",
        ],
    ),
    ("the office's models", ["backoffice.models"]),
    ("who may and who did", ["backoffice.audit", "backoffice.permissions"]),
    ("kit", ["backoffice.kit", "backoffice.services"]),
    ("models and providers", ["payments.models", "payments.providers", "codes.models"]),
    ("services", ["payments.services", "codes.services"]),
    ("shapes", [f"{app}.{shape}" for app in PRODUCT for shape in ("forms", "tables", "filters")]),
    (
        "entrances",
        [
            *(f"{app}.{door}" for app in PRODUCT for door in ("urls", "office", "tasks", "admin", "views")),
            *(
                f"{app}.{door}"
                for app in PRODUCT
                for door in ("apps", "management", "migrations", "templatetags")
            ),
            *("backoffice.accounts", "backoffice.account_forms"),  # what allauth calls
            *("backoffice.checks", "backoffice.middleware", "backoffice.navigation"),  # what Django calls
            "backoffice.formats",
            *(
                "payments",
                "payments.invariants",
                "payments.dashboard",
                "payments.reports",
                "payments.offices",
            ),
            *("codes", "codes.invariants"),
            *("backoffice.demo", "payments.demo", "codes.demo"),
        ],
    ),
]
FLOOR = {name: height for height, (_, listed) in enumerate(FLOORS) for name in listed}
#: Their whole use is to stand for anybody: they import nothing of ours, not even one another.
LONELY = [
    *("backoffice.kit.money", "backoffice.kit.fields", "backoffice.kit.states", "payments.addresses"),
    *("backoffice.logs", "backoffice.triggers"),
]

SERVICE_FLOORS: dict[str, set[str]] = {
    "base": {
        *("references", "calls", "health", "movements", "approvals", "exceptions", "destinations"),
        *("schedule", "freeze", "failpoints", "daily_sums", "bad_rows", "callback_tokens"),
    },
    "facts": {
        *("accounts", "balances", "reservations", "methods", "decisions", "statements"),
        *("rates", "directions", "batch_deposits", "stated_methods", "spellings", "orders"),
        *("own_addresses", "service_states", "bid_history"),
    },
    "deals": {
        *("invoices", "invoice_fields", "invoice_reports", "wallets"),
        *("wallet_fields", "wallet_reports", "deposits", "listed_reports", "withdrawal_scans"),
        *("wallet_decisions", "wallet_scans", "deposit_reports", "deposit_decisions", "invoice_matches"),
        *("invoice_payments", "invoice_scans", "payer_links"),
        *("bids", "bid_fields", "bid_quotes", "bid_variance", "bid_reports", "bid_attempts"),
        *("bid_acts", "bid_decisions", "bid_imports"),
        *("withdrawals", "withdrawal_fields", "withdrawal_reports", "withdrawal_decisions"),
        *("batch_payouts", "batch_fields", "batch_states", "batch_orders", "batch_looks", "batch_reports"),
        *("batch_differences", "batch_alarms", "batch_doubts", "batch_decisions", "batch_payments"),
        *("withdrawal_attempts", "withdrawal_bookings", "withdrawal_claims"),
        *("partner", "partner_programs", "partner_payees", "payout_reports", "payout_decisions"),
        *("payout_attempts", "payout_fields"),
    },
    "conductors": {"callbacks", "polling", "reconciliation"},
}
SERVICE_FLOOR = {noun: height for height, nouns in enumerate(SERVICE_FLOORS.values()) for noun in nouns}
#: Who may import whom on the same floor, and why. Never a ring.
BESIDE: dict[tuple[str, str], str] = {
    ("calls", "health"): "a call passes the breaker and tells it how it ended",
    ("bad_rows", "exceptions"): "a line that cannot be read needs a person",
    ("health", "exceptions"): "an account that is down or denied needs a person",
    ("exceptions", "references"): "an item tells of a reference",
    ("exceptions", "approvals"): "nobody lets go what they have asked for",
    ("exceptions", "movements"): "closing an unexplained balance books its correction",
    ("decisions", "accounts"): "keys that were replaced make old evidence worthless",
    ("accounts", "methods"): "a new account comes with its provider's documented methods",
    ("invoices", "invoice_fields"): "one noun in four files",
    ("invoices", "invoice_reports"): "one noun in four files",
    ("invoices", "invoice_scans"): "one noun in four files",
    ("invoice_scans", "invoice_reports"): "one noun in four files",
    ("invoice_scans", "invoice_payments"): "asking about a bill is asking what was paid",
    ("invoice_payments", "invoice_reports"): "a payment pays a bill, through its one door",
    (
        "invoice_payments",
        "listed_reports",
    ): "what providers say who only list is read the same for all objects",
    ("payer_links", "invoices"): "a link that is opened makes a bill",
    ("payer_links", "invoice_fields"): "a link that is opened makes a bill",
    ("calls", "failpoints"): "a test may end a worker in the middle of a call",
    ("stated_methods", "methods"): "what a provider lists are methods like those that admins enter",
    ("withdrawals", "withdrawal_attempts"): "one noun in eight files",
    ("withdrawals", "withdrawal_fields"): "one noun in eight files",
    ("withdrawals", "withdrawal_reports"): "one noun in eight files",
    ("withdrawals", "withdrawal_scans"): "one noun in eight files",
    ("withdrawal_attempts", "withdrawal_reports"): "one noun in eight files",
    ("withdrawal_bookings", "withdrawal_fields"): "one noun in eight files",
    ("withdrawal_reports", "withdrawal_bookings"): "one noun in eight files",
    ("withdrawal_reports", "withdrawal_claims"): "one noun in eight files",
    (
        "withdrawal_claims",
        "listed_reports",
    ): "what providers say who only list is read the same for all objects",
    ("withdrawal_scans", "withdrawal_attempts"): "one noun in eight files",
    ("withdrawal_scans", "withdrawal_bookings"): "one noun in eight files",
    ("withdrawal_scans", "withdrawal_reports"): "one noun in eight files",
    ("withdrawal_decisions", "withdrawal_bookings"): "one noun in eight files",
    ("withdrawal_decisions", "withdrawal_scans"): "one noun in eight files",
    ("wallets", "wallet_fields"): "one noun in five files",
    ("wallets", "wallet_reports"): "one noun in five files",
    ("wallets", "deposits"): "asking about a wallet is asking what arrived there",
    ("deposits", "deposit_reports"): "one noun in three files",
    ("deposit_decisions", "deposit_reports"): "one noun in three files",
    (
        "deposit_reports",
        "listed_reports",
    ): "what providers say who only list is read the same for all objects",
    ("wallet_decisions", "wallet_reports"): "one noun in five files",
    ("wallet_scans", "wallet_reports"): "one noun in five files",
    ("wallets", "wallet_scans"): "one noun in five files",
    ("invoice_payments", "invoice_matches"): "a payment that names no bill is matched",
    ("deposits", "listed_reports"): "what providers say who only list is read the same for all objects",
    ("withdrawal_decisions", "withdrawals"): "one noun in eight files",
    ("withdrawal_decisions", "withdrawal_reports"): "one noun in eight files",
    ("directions", "accounts"): "what the exchanger says about us is asked for in the same round",
    ("bids", "bid_attempts"): "one noun in ten files",
    ("bid_attempts", "bid_reports"): "one noun in ten files",
    ("bids", "bid_fields"): "one noun in ten files",
    ("bids", "bid_quotes"): "one noun in ten files",
    ("bids", "bid_reports"): "one noun in ten files",
    ("bid_quotes", "bid_fields"): "one noun in ten files",
    ("bid_variance", "bid_fields"): "one noun in ten files",
    ("bid_reports", "bid_variance"): "one noun in ten files",
    ("bid_acts", "bid_fields"): "one noun in ten files",
    ("bid_acts", "bid_reports"): "one noun in ten files",
    ("bid_decisions", "bids"): "one noun in ten files",
    ("bid_decisions", "bid_acts"): "one noun in ten files",
    ("bid_decisions", "bid_reports"): "one noun in ten files",
    ("bid_imports", "bids"): "one noun in ten files",
    ("bid_imports", "bid_fields"): "one noun in ten files",
    ("bid_imports", "bid_reports"): "one noun in ten files",
    ("partner", "partner_payees"): "one noun in seven files",
    ("partner", "partner_programs"): "the whole list of payouts is read the same before and after one",
    ("partner", "payout_attempts"): "one noun in seven files",
    ("partner", "payout_fields"): "one noun in seven files",
    ("partner", "payout_reports"): "one noun in seven files",
    ("payout_fields", "partner_payees"): "one noun in seven files",
    ("payout_attempts", "payout_reports"): "one noun in seven files",
    ("payout_decisions", "partner"): "one noun in seven files",
    ("payout_decisions", "payout_reports"): "one noun in seven files",
    ("batch_alarms", "batch_differences"): "one noun in eleven files",
    ("batch_decisions", "batch_payouts"): "one noun in eleven files",
    ("batch_decisions", "batch_states"): "one noun in eleven files",
    ("batch_differences", "batch_fields"): "one noun in eleven files",
    ("batch_doubts", "batch_alarms"): "one noun in eleven files",
    ("batch_doubts", "batch_states"): "one noun in eleven files",
    ("batch_looks", "batch_doubts"): "one noun in eleven files",
    ("batch_looks", "batch_fields"): "one noun in eleven files",
    ("batch_looks", "batch_orders"): "one noun in eleven files",
    ("batch_looks", "batch_reports"): "one noun in eleven files",
    ("batch_looks", "batch_states"): "one noun in eleven files",
    ("batch_orders", "batch_doubts"): "one noun in eleven files",
    ("batch_orders", "batch_fields"): "one noun in eleven files",
    ("batch_orders", "batch_reports"): "one noun in eleven files",
    ("batch_orders", "batch_states"): "one noun in eleven files",
    ("batch_payments", "batch_alarms"): "one noun in eleven files",
    ("batch_payments", "batch_states"): "one noun in eleven files",
    ("batch_payouts", "batch_fields"): "one noun in eleven files",
    ("batch_payouts", "batch_looks"): "one noun in eleven files",
    ("batch_payouts", "batch_orders"): "one noun in eleven files",
    ("batch_payouts", "batch_states"): "one noun in eleven files",
    ("batch_reports", "batch_alarms"): "one noun in eleven files",
    ("batch_reports", "batch_differences"): "one noun in eleven files",
    ("batch_reports", "batch_states"): "one noun in eleven files",
    ("batch_payments", "withdrawals"): "a batch is paid by a withdrawal of ours",
    ("batch_payments", "withdrawal_fields"): "a batch is paid by a withdrawal of ours",
    ("batch_deposits", "accounts"): "an account that may make no batches pays no deposit of one",
}


def floor(name: str) -> int:
    """How high a module stands. Raises LookupError for one that nobody has put on a floor."""
    while name not in FLOOR:
        # The bare apps are floors of their own, not roofs over modules that nobody thought about.
        name, _, _rest = name.rpartition(".")
        if name in ("", *PRODUCT):
            raise LookupError
    return FLOOR[name]


def ours(*folders: str) -> list[Import]:
    """What the files of these folders import of ours."""
    return [
        one
        for module in modules(*folders, migrations=True)
        for one in imports(module)
        if below(one.target, *OURS)
    ]


def told(broken: list[Import], why: str) -> str:
    return "\n".join(f"{one.place} imports {one.target}: {why}" for one in broken)


class TestFloors:
    def test_every_module_stands_on_a_floor(self) -> None:
        lost = []
        for module in modules(*PRODUCT, migrations=True):
            try:
                floor(module.name)
            except LookupError:
                lost.append(module.name)
        assert not lost, f"Put these on a floor of FLOORS in {__file__}: {lost}"

    def test_imports_run_downwards_only(self) -> None:
        broken = []
        for one in ours(*PRODUCT):
            if below(one.target, *PRODUCT) and floor(one.importer) < floor(one.target):
                broken.append(one)
        assert not broken, told(broken, "that is above it")

    @pytest.mark.parametrize("name", LONELY)
    def test_what_stands_for_anybody_imports_nothing_of_ours(self, name: str) -> None:
        assert name in names()
        broken = [one for one in ours(*PRODUCT) if one.importer == name]
        assert not broken, told(broken, "this module imports nothing of ours")

    def test_permissions_and_the_audit_trail_stand_side_by_side(self) -> None:
        pair = {"backoffice.audit", "backoffice.permissions"}
        broken = [one for one in ours("backoffice") if one.importer in pair and one.target in pair]
        assert not broken, told(broken, "neither needs the other")

    def test_forms_tables_and_filters_read_models_and_never_call_services(self) -> None:
        roofs = [f"{app}.{shape}" for app in PRODUCT for shape in ("forms", "tables", "filters")]
        broken = [
            one
            for one in ours(*PRODUCT)
            if below(one.importer, *roofs) and below(one.target, *(f"{app}.services" for app in PRODUCT))
        ]
        assert not broken, told(broken, "the view calls the service")


class TestApps:
    def test_the_office_knows_the_apps_by_string_only(self) -> None:
        broken = [one for one in ours("backoffice") if below(one.target, "payments", "codes")]
        assert not broken, told(broken, "name it by string, or register a part in kit.office")

    def test_payments_does_not_know_codes(self) -> None:
        broken = [one for one in ours("payments") if below(one.target, "codes")]
        assert not broken, told(broken, "codes stands on payments, not the other way")

    def test_codes_uses_the_models_providers_and_services_of_payments(self) -> None:
        allowed = ("payments.models", "payments.providers", "payments.services")
        broken = [
            one for one in ours("codes") if below(one.target, "payments") and not below(one.target, *allowed)
        ]
        assert not broken, told(broken, f"of payments only {allowed}")

    def test_the_sandbox_and_the_product_never_meet(self) -> None:
        broken = [one for one in ours("sandbox") if not below(one.target, "sandbox")]
        broken += [one for one in ours(*PRODUCT) if below(one.target, "sandbox")]
        assert not broken, told(broken, "a wrong signature must not be right twice")


class TestProviders:
    def test_providers_know_one_another_and_exact_numbers(self) -> None:
        broken = [
            one
            for one in ours("payments/providers")
            if not below(one.target, "payments.providers", "backoffice.kit.money")
        ]
        assert not broken, told(broken, "providers import only providers and kit.money")

    def test_providers_do_not_know_django(self) -> None:
        foreign = {"django", "celery", "redis", "psycopg", "environ", "structlog"}
        broken = [
            one
            for module in modules("payments/providers")
            for one in imports(module)
            if one.target.split(".")[0] in foreign
        ]
        assert not broken, told(broken, "pure HTTP and words")


class TestServices:
    @staticmethod
    def noun(name: str) -> str:
        return name.removeprefix("payments.services").lstrip(".").split(".")[0]

    def pairs(self) -> list[tuple[str, str, Import]]:
        return [
            (self.noun(one.importer), self.noun(one.target), one)
            for one in ours("payments/services")
            if below(one.target, "payments.services") and self.noun(one.importer) != self.noun(one.target)
        ]

    def test_every_service_stands_on_one_of_four_floors(self) -> None:
        nouns = {self.noun(module.name) for module in modules("payments/services")} - {""}
        assert nouns, "the services were not found"
        assert not nouns - set(SERVICE_FLOOR), f"Put these into SERVICE_FLOORS in {__file__}"

    def test_services_import_lower_floors_only(self) -> None:
        broken = [
            one
            for importer, target, one in self.pairs()
            if SERVICE_FLOOR[importer] <= SERVICE_FLOOR[target] and (importer, target) not in BESIDE
        ]
        assert not broken, told(broken, "each floor imports only lower ones; BESIDE names the few exceptions")

    def test_conductors_reach_deals_through_the_registry(self) -> None:
        deals = SERVICE_FLOORS["deals"]
        broken = [
            one
            for importer, target, one in self.pairs()
            if importer in SERVICE_FLOORS["conductors"] and target in deals
        ]
        assert not broken, told(broken, "ask kit.office for the kind")

    def test_no_exception_is_stale(self) -> None:
        seen = {(importer, target) for importer, target, _ in self.pairs()}
        exists = {self.noun(module.name) for module in modules("payments/services")}
        stale = [pair for pair in BESIDE if pair not in seen and exists.issuperset(pair)]
        assert not stale, f"Nobody does this any more, delete it from BESIDE: {stale}"

    def test_services_on_one_floor_make_no_ring(self) -> None:
        for start in {importer for importer, _ in BESIDE}:
            reached: set[str] = set()
            fresh = {start}
            while fresh:
                fresh = {target for importer, target in BESIDE if importer in fresh} - reached
                reached |= fresh
            assert start not in reached, f"{start} imports itself by way of {reached}"

    def test_vouchers_stand_on_the_lower_floors_of_payments(self) -> None:
        high = [
            f"payments.services.{noun}" for floor in ("deals", "conductors") for noun in SERVICE_FLOORS[floor]
        ]
        broken = [one for one in ours("codes/services") if below(one.target, *high)]
        assert not broken, told(broken, "vouchers are a deal: they import the base and the facts")
