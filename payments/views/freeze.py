"""The freeze: what is stopped now, stopping everything or one account, and letting it go on. Rules: services.freeze."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.kit.views import ActionView, ServiceFormView, StaffView
from payments.forms.withdrawals import FreezeForm
from payments.models import Freeze, ProviderAccount, Withdrawal
from payments.services import freeze
from payments.tables.withdrawals import FreezeTable

SHOWN = 20
LIFT = "payments.lift_freeze"


class FreezeListView(StaffView):
    """What stands still, what waits because of it, and what was frozen before."""

    permission = "payments.view_freeze"
    template_name = "payments/freeze_list.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        standing = freeze.standing()
        waits = Withdrawal.objects.filter(status=Withdrawal.Status.APPROVED)
        if not any(one.account_id is None for one in standing):
            waits = waits.filter(account__in=[one.account_id for one in standing])
        past = Freeze.objects.filter(lifted_at__isnull=False).select_related(
            "account", "set_by", "first_lift_by", "lifted_by"
        )
        return self.render(
            standing=[(one, self._why_no_lift(one)) for one in standing],
            is_total=any(one.account_id is None for one in standing),
            waiting=waits.count() if standing else 0,
            accounts=ProviderAccount.objects.filter(money_out=True, is_active=True)
            .exclude(pk__in=[one.account_id for one in standing if one.account_id])
            .order_by("name"),
            past=FreezeTable(past.order_by("-lifted_at")[:SHOWN]),
            may_set=self.may("payments.set_freeze"),
            may_lift=self.may(LIFT),
        )

    def _why_no_lift(self, standing: Freeze) -> str:
        """Why this person has no button to lift it; "" if they have one."""
        if not self.may(LIFT):
            return _("Two approvers lift it together.")
        if standing.first_lift_by_id == self.request.user.pk:
            return _("You have said yes to sending again. A second approver must say so too.")
        return ""


class FreezeSetView(ServiceFormView):
    permission = "payments.set_freeze"
    form_class = FreezeForm
    template_name = "payments/freeze_set.html"
    title = gettext_lazy("Stop sending")
    button = gettext_lazy("Stop sending now")
    success = gettext_lazy("Stopped. Nothing is sent until two approvers lift it.")
    cancel_url_name = "payments:freeze_list"
    prefill = ("account",)

    def perform(self, form: FreezeForm) -> str:
        freeze.set(actor=self.request.user, **form.cleaned_data)
        return reverse("payments:freeze_list")


class FreezeLiftView(ActionView):
    model = Freeze
    permission = LIFT
    template_name = "payments/freeze_lift.html"
    title = gettext_lazy("Lift the freeze")
    button = gettext_lazy("Sending may go on")

    def get_queryset(self) -> QuerySet[Freeze]:
        return Freeze.objects.select_related("account", "set_by", "first_lift_by").filter(
            lifted_at__isnull=True
        )

    def get_success_url(self) -> str:
        return reverse("payments:freeze_list")

    def perform(self, obj: Freeze, form: Any) -> Any:
        lifted = freeze.lift(actor=self.request.user, account=obj.account)
        if lifted.lifted_at is None:
            return _("You have said yes. It is lifted when a second approver says so too.")
        return _("Lifted. What was approved is sent now.")
