"""The routes of codes, below vouchers/. Names derive from the objects; nothing else stands here."""

from __future__ import annotations

from django.urls import path

from backoffice.kit.views import form_paths

from .views import liability, reveal, voucher_decisions, voucher_requests, vouchers

app_name = "codes"
urlpatterns = [
    path("", vouchers.VoucherListView.as_view(), name="voucher_list"),
    path("liability/", liability.LiabilityView.as_view(), name="liability"),
    path("lists/<int:pk>/refresh/", vouchers.ListingRefreshView.as_view(), name="voucher_listing_refresh"),
    path("new/", voucher_requests.VoucherStartView.as_view(), name="voucher_start"),
    *form_paths("new/<int:account>/", voucher_requests.VoucherCreateView, "voucher_create"),
    path("redeem/", voucher_requests.RedeemStartView.as_view(), name="voucher_redeem_start"),
    *form_paths("redeem/<int:account>/", voucher_requests.VoucherRedeemView, "voucher_redeem"),
    path("<int:pk>/", vouchers.VoucherDetailView.as_view(), name="voucher"),
    path("<int:pk>/refresh/", vouchers.VoucherRefreshView.as_view(), name="voucher_refresh"),
    path("<int:pk>/reveal/", reveal.VoucherRevealView.as_view(), name="voucher_reveal"),
    path("<int:pk>/approve/", voucher_decisions.VoucherApproveView.as_view(), name="voucher_approve"),
    path("<int:pk>/reject/", voucher_decisions.VoucherRejectView.as_view(), name="voucher_reject"),
    path("<int:pk>/cancel/", voucher_decisions.VoucherCancelView.as_view(), name="voucher_cancel"),
    path("<int:pk>/resolve/", voucher_decisions.VoucherResolveView.as_view(), name="voucher_resolve"),
    path("<int:pk>/confirm/", voucher_decisions.VoucherConfirmView.as_view(), name="voucher_confirm"),
]
