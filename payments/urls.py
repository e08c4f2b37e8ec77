"""The routes of payments. Names derive from the objects; nothing else stands here."""

from __future__ import annotations

from django.urls import path

from backoffice.kit.views import form_paths

from .views import (
    accounts,
    balances,
    callbacks,
    calls,
    deposits,
    destinations,
    exception_bulk,
    exceptions,
    freeze,
    inbox,
    invoices,
    movements,
    payer,
    payers,
    references,
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
    path("invoices/refresh/", invoices.InvoiceBulkRefreshView.as_view(), name="invoice_bulk_refresh"),
    path("invoices/<int:pk>/", invoices.InvoiceDetailView.as_view(), name="invoice"),
    path("invoices/<int:pk>/refresh/", invoices.InvoiceRefreshView.as_view(), name="invoice_refresh"),
    path("invoices/<int:pk>/resolve/", invoices.InvoiceResolveView.as_view(), name="invoice_resolve"),
    path("invoices/<int:pk>/approve/", invoices.InvoiceApproveView.as_view(), name="invoice_approve"),
    path("invoices/<int:pk>/reject/", invoices.InvoiceRejectView.as_view(), name="invoice_reject"),
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
    # --- Wallets and deposits ---
    path("wallets/", wallets.WalletListView.as_view(), name="wallet_list"),
    path("wallets/new/", wallets.WalletStartView.as_view(), name="wallet_start"),
    *form_paths("wallets/new/<int:account>/", wallets.WalletCreateView, "wallet_create"),
    path("wallets/<int:pk>/", wallets.WalletDetailView.as_view(), name="wallet"),
    path("wallets/<int:pk>/refresh/", wallets.WalletRefreshView.as_view(), name="wallet_refresh"),
    path("wallets/<int:pk>/approve/", wallets.WalletApproveView.as_view(), name="wallet_approve"),
    path("wallets/<int:pk>/reject/", wallets.WalletRejectView.as_view(), name="wallet_reject"),
    path("wallets/<int:pk>/resolve/", wallets.WalletResolveView.as_view(), name="wallet_resolve"),
    path("wallets/<int:pk>/give/", wallets.WalletGiveView.as_view(), name="wallet_give"),
    path("deposits/", deposits.DepositListView.as_view(), name="deposit_list"),
    path("deposits/<int:pk>/", deposits.DepositDetailView.as_view(), name="deposit"),
    path("deposits/<int:pk>/refresh/", deposits.DepositRefreshView.as_view(), name="deposit_refresh"),
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
