"""The routes of payments. Names derive from the objects; nothing else stands here."""

from __future__ import annotations

from django.urls import path

from backoffice.kit.views import form_paths

from .views import (
    accounts,
    balances,
    batch_decisions,
    batch_payouts,
    bid_decisions,
    bid_imports,
    bid_requests,
    bids,
    callbacks,
    calls,
    deposits,
    destinations,
    directions,
    exception_bulk,
    exceptions,
    freeze,
    inbox,
    invoice_decisions,
    invoices,
    movements,
    partner,
    partner_payouts,
    payer,
    payers,
    references,
    wallet_decisions,
    wallets,
    withdrawal_bulk,
    withdrawal_decisions,
    withdrawal_requests,
    withdrawals,
)

app_name = "payments"
urlpatterns = [
    path("invoices/", invoices.InvoiceListView.as_view(), name="invoice_list"),
    path("invoices/new/", invoices.InvoiceStartView.as_view(), name="invoice_start"),
    *form_paths("invoices/new/<int:account>/", invoices.InvoiceCreateView, "invoice_create"),
    path(
        "invoices/refresh/", invoice_decisions.InvoiceBulkRefreshView.as_view(), name="invoice_bulk_refresh"
    ),
    path("invoices/<int:pk>/", invoices.InvoiceDetailView.as_view(), name="invoice"),
    path(
        "invoices/<int:pk>/refresh/", invoice_decisions.InvoiceRefreshView.as_view(), name="invoice_refresh"
    ),
    path(
        "invoices/<int:pk>/resolve/", invoice_decisions.InvoiceResolveView.as_view(), name="invoice_resolve"
    ),
    path(
        "invoices/<int:pk>/approve/", invoice_decisions.InvoiceApproveView.as_view(), name="invoice_approve"
    ),
    path("invoices/<int:pk>/reject/", invoice_decisions.InvoiceRejectView.as_view(), name="invoice_reject"),
    path("payer-links/", payers.PayerLinkListView.as_view(), name="payerlink_list"),
    *form_paths("payer-links/new/<int:account>/", payers.PayerLinkCreateView, "payerlink_create"),
    path("payer-links/<int:pk>/", payers.PayerLinkView.as_view(), name="payerlink"),
    path("payer-links/<int:pk>/withdraw/", payers.PayerLinkWithdrawView.as_view(), name="payerlink_withdraw"),
    path("invoice-payments/", payers.InvoicePaymentListView.as_view(), name="invoicepayment_list"),
    path("invoice-payments/<int:pk>/", payers.InvoicePaymentAssignView.as_view(), name="invoicepayment"),
    path("pay/<str:token>/", payer.pay, name="payer_link"),
    path("withdrawals/", withdrawals.WithdrawalListView.as_view(), name="withdrawal_list"),
    path("withdrawals/new/", withdrawal_requests.WithdrawalStartView.as_view(), name="withdrawal_start"),
    *form_paths(
        "withdrawals/new/<int:account>/", withdrawal_requests.WithdrawalCreateView, "withdrawal_create"
    ),
    path(
        "withdrawals/approve/",
        withdrawal_bulk.WithdrawalBulkApproveView.as_view(),
        name="withdrawal_bulk_approve",
    ),
    path(
        "withdrawals/refresh/",
        withdrawal_bulk.WithdrawalBulkRefreshView.as_view(),
        name="withdrawal_bulk_refresh",
    ),
    path("withdrawals/<int:pk>/", withdrawals.WithdrawalDetailView.as_view(), name="withdrawal"),
    path(
        "withdrawals/<int:pk>/refresh/",
        withdrawals.WithdrawalRefreshView.as_view(),
        name="withdrawal_refresh",
    ),
    path(
        "withdrawals/<int:pk>/approve/",
        withdrawal_decisions.WithdrawalApproveView.as_view(),
        name="withdrawal_approve",
    ),
    path(
        "withdrawals/<int:pk>/reject/",
        withdrawal_decisions.WithdrawalRejectView.as_view(),
        name="withdrawal_reject",
    ),
    path(
        "withdrawals/<int:pk>/cancel/",
        withdrawal_decisions.WithdrawalCancelView.as_view(),
        name="withdrawal_cancel",
    ),
    path(
        "withdrawals/<int:pk>/resolve/",
        withdrawal_decisions.WithdrawalResolveView.as_view(),
        name="withdrawal_resolve",
    ),
    path(
        "withdrawals/<int:pk>/resend/",
        withdrawal_decisions.WithdrawalResendView.as_view(),
        name="withdrawal_resend",
    ),
    path(
        "withdrawals/<int:pk>/confirm/",
        withdrawal_decisions.WithdrawalConfirmView.as_view(),
        name="withdrawal_confirm",
    ),
    # --- Exchange ---
    path("exchange/", directions.DirectionListView.as_view(), name="direction_list"),
    path("exchange/refresh/", directions.DirectionRefreshAllView.as_view(), name="direction_refresh_all"),
    path("exchange/<int:pk>/", directions.DirectionDetailView.as_view(), name="direction"),
    path("exchange/<int:pk>/refresh/", directions.DirectionRefreshView.as_view(), name="direction_refresh"),
    path("exchange/<int:pk>/quote/", directions.DirectionQuoteView.as_view(), name="direction_quote"),
    path("bids/", bids.BidListView.as_view(), name="bid_list"),
    path("bids/new/", bids.BidStartView.as_view(), name="bid_start"),
    *form_paths("bids/new/<int:pk>/", bid_requests.BidCreateView, "bid_create"),
    path("bids/refresh/", bids.BidBulkRefreshView.as_view(), name="bid_bulk_refresh"),
    path("bids/imports/", bid_imports.BidImportListView.as_view(), name="bid_import_list"),
    path("bids/imports/<int:pk>/start/", bid_imports.BidImportStartView.as_view(), name="bid_import_start"),
    path("bids/imports/<int:pk>/stop/", bid_imports.BidImportStopView.as_view(), name="bid_import_stop"),
    path("bids/<int:pk>/", bids.BidDetailView.as_view(), name="bid"),
    path("bids/<int:pk>/refresh/", bids.BidRefreshView.as_view(), name="bid_refresh"),
    path("bids/<int:pk>/cancel/", bid_decisions.BidCancelView.as_view(), name="bid_cancel"),
    path("bids/<int:pk>/pay/", bid_decisions.BidPayView.as_view(), name="bid_pay"),
    path("bids/<int:pk>/complete/", bid_decisions.BidCompleteView.as_view(), name="bid_complete"),
    path("bids/<int:pk>/withdraw/", bid_decisions.BidWithdrawView.as_view(), name="bid_withdraw"),
    path("bids/<int:pk>/resolve/", bid_decisions.BidResolveView.as_view(), name="bid_resolve"),
    path("bids/<int:pk>/confirm/", bid_decisions.BidConfirmView.as_view(), name="bid_confirm"),
    path("partner/", partner.PartnerProgramListView.as_view(), name="partnerprogram_list"),
    path("partner/<int:pk>/", partner.PartnerProgramDetailView.as_view(), name="partnerprogram"),
    path(
        "partner/<int:pk>/refresh/",
        partner.PartnerProgramRefreshView.as_view(),
        name="partnerprogram_refresh",
    ),
    path("partner/exchanges/", partner.PartnerExchangeListView.as_view(), name="partnerexchange_list"),
    path("partner/payouts/", partner_payouts.PartnerPayoutListView.as_view(), name="partnerpayout_list"),
    *form_paths("partner/<int:pk>/payout/", partner_payouts.PartnerPayoutCreateView, "partnerpayout_create"),
    path(
        "partner/payouts/<int:pk>/", partner_payouts.PartnerPayoutDetailView.as_view(), name="partnerpayout"
    ),
    path(
        "partner/payouts/<int:pk>/refresh/",
        partner_payouts.PartnerPayoutRefreshView.as_view(),
        name="partnerpayout_refresh",
    ),
    path(
        "partner/payouts/<int:pk>/approve/",
        partner_payouts.PartnerPayoutApproveView.as_view(),
        name="partnerpayout_approve",
    ),
    path(
        "partner/payouts/<int:pk>/reject/",
        partner_payouts.PartnerPayoutRejectView.as_view(),
        name="partnerpayout_reject",
    ),
    path(
        "partner/payouts/<int:pk>/cancel/",
        partner_payouts.PartnerPayoutCancelView.as_view(),
        name="partnerpayout_cancel",
    ),
    path(
        "partner/payouts/<int:pk>/resolve/",
        partner_payouts.PartnerPayoutResolveView.as_view(),
        name="partnerpayout_resolve",
    ),
    path(
        "partner/payouts/<int:pk>/confirm/",
        partner_payouts.PartnerPayoutConfirmView.as_view(),
        name="partnerpayout_confirm",
    ),
    path("batch-payouts/", batch_payouts.BatchPayoutListView.as_view(), name="batchpayout_list"),
    path("batch-payouts/new/", batch_payouts.BatchPayoutStartView.as_view(), name="batchpayout_start"),
    *form_paths(
        "batch-payouts/new/<int:account>/", batch_payouts.BatchPayoutCreateView, "batchpayout_create"
    ),
    path("batch-payouts/<int:pk>/", batch_payouts.BatchPayoutDetailView.as_view(), name="batchpayout"),
    path(
        "batch-payouts/<int:pk>/refresh/",
        batch_payouts.BatchPayoutRefreshView.as_view(),
        name="batchpayout_refresh",
    ),
    path(
        "batch-payouts/<int:pk>/approve/",
        batch_decisions.BatchPayoutApproveView.as_view(),
        name="batchpayout_approve",
    ),
    path(
        "batch-payouts/<int:pk>/reject/",
        batch_decisions.BatchPayoutRejectView.as_view(),
        name="batchpayout_reject",
    ),
    path(
        "batch-payouts/<int:pk>/cancel/",
        batch_decisions.BatchPayoutCancelView.as_view(),
        name="batchpayout_cancel",
    ),
    path(
        "batch-payouts/<int:pk>/resolve/",
        batch_decisions.BatchPayoutResolveView.as_view(),
        name="batchpayout_resolve",
    ),
    *form_paths("batch-payouts/<int:pk>/pay/", batch_decisions.BatchPayoutPayView, "batchpayout_pay"),
    path(
        "batch-payouts/<int:pk>/paid/",
        batch_decisions.BatchPayoutMarkPaidView.as_view(),
        name="batchpayout_mark_paid",
    ),
    # --- Wallets and deposits ---
    path("wallets/", wallets.WalletListView.as_view(), name="wallet_list"),
    path("wallets/new/", wallets.WalletStartView.as_view(), name="wallet_start"),
    *form_paths("wallets/new/<int:account>/", wallets.WalletCreateView, "wallet_create"),
    path("wallets/<int:pk>/", wallets.WalletDetailView.as_view(), name="wallet"),
    path("wallets/<int:pk>/refresh/", wallets.WalletRefreshView.as_view(), name="wallet_refresh"),
    path("wallets/<int:pk>/approve/", wallet_decisions.WalletApproveView.as_view(), name="wallet_approve"),
    path("wallets/<int:pk>/reject/", wallet_decisions.WalletRejectView.as_view(), name="wallet_reject"),
    path("wallets/<int:pk>/resolve/", wallet_decisions.WalletResolveView.as_view(), name="wallet_resolve"),
    path("wallets/<int:pk>/give/", wallet_decisions.WalletGiveView.as_view(), name="wallet_give"),
    path("deposits/", deposits.DepositListView.as_view(), name="deposit_list"),
    path("deposits/<int:pk>/", deposits.DepositDetailView.as_view(), name="deposit"),
    path("deposits/<int:pk>/refresh/", deposits.DepositRefreshView.as_view(), name="deposit_refresh"),
    path("deposits/<int:pk>/confirm/", deposits.DepositConfirmView.as_view(), name="deposit_confirm"),
    path("freeze/", freeze.FreezeListView.as_view(), name="freeze_list"),
    *form_paths("freeze/set/", freeze.FreezeSetView, "freeze_set"),
    path("freeze/<int:pk>/lift/", freeze.FreezeLiftView.as_view(), name="freeze_lift"),
    path("destinations/", destinations.OwnDestinationListView.as_view(), name="owndestination_list"),
    *form_paths("destinations/new/", destinations.OwnDestinationCreateView, "owndestination_create"),
    path("destinations/<int:pk>/", destinations.OwnDestinationDetailView.as_view(), name="owndestination"),
    path(
        "destinations/<int:pk>/approve/",
        destinations.OwnDestinationApproveView.as_view(),
        name="owndestination_approve",
    ),
    path(
        "destinations/<int:pk>/reject/",
        destinations.OwnDestinationRejectView.as_view(),
        name="owndestination_reject",
    ),
    path(
        "destinations/<int:pk>/retire/",
        destinations.OwnDestinationRetireView.as_view(),
        name="owndestination_retire",
    ),
    # --- Books ---
    path("balances/", balances.BalanceListView.as_view(), name="balance_list"),
    path("history/", movements.MovementListView.as_view(), name="movement_list"),
    # --- Accounts ("accounts/" is the login's) ---
    path("provider-accounts/", accounts.ProviderAccountListView.as_view(), name="provideraccount_list"),
    path("provider-accounts/<int:pk>/", accounts.ProviderAccountDetailView.as_view(), name="provideraccount"),
    path(
        "provider-accounts/<int:pk>/refresh/",
        accounts.ProviderAccountRefreshView.as_view(),
        name="provideraccount_refresh",
    ),
    # --- Control ---
    path("exceptions/", exceptions.ExceptionItemListView.as_view(), name="exceptionitem_list"),
    path("exceptions/own/", exception_bulk.ExceptionItemBulkOwnView.as_view(), name="exceptionitem_bulk_own"),
    path(
        "exceptions/close/",
        exception_bulk.ExceptionItemBulkCloseView.as_view(),
        name="exceptionitem_bulk_close",
    ),
    path("exceptions/<int:pk>/", exceptions.ExceptionItemDetailView.as_view(), name="exceptionitem"),
    path("exceptions/<int:pk>/own/", exceptions.ExceptionItemOwnView.as_view(), name="exceptionitem_own"),
    path(
        "exceptions/<int:pk>/close/",
        exceptions.ExceptionItemCloseView.as_view(),
        name="exceptionitem_close",
    ),
    path("references/<int:pk>/", references.ReferenceView.as_view(), name="reference"),
    path("references/<int:pk>/release/", references.ReferenceReleaseView.as_view(), name="reference_release"),
    path("inbox/", inbox.CallbackListView.as_view(), name="callback_list"),
    path("inbox/<int:pk>/", inbox.CallbackDetailView.as_view(), name="callback"),
    path("inbox/<int:pk>/replay/", inbox.CallbackReplayView.as_view(), name="callback_replay"),
    path("calls/", calls.ProviderCallListView.as_view(), name="providercall_list"),
    path("calls/<int:pk>/", calls.ProviderCallDetailView.as_view(), name="providercall"),
    path("callbacks/<slug:provider>/<str:token>/", callbacks.receive, name="callback_receive"),
]
