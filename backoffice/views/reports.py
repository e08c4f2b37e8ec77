"""The reports that apps gave to kit.office: a period, what it came to, and the same as a file."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils import timezone

from backoffice import permissions
from backoffice.forms import ReportForm
from backoffice.kit import office
from backoffice.kit.views import StaffView
from backoffice.kit.views.files import EXPORT, FORMATS, answer


class ReportView(StaffView):
    """One report, the first where none is named. Days are those of the books' zone, not of the person's."""

    permission = "backoffice.view_report"
    template_name = "backoffice/report.html"

    def get(self, request: HttpRequest, report: str = "") -> HttpResponseBase:
        reports = office.reports(request.user, permissions.may)
        shown = next((one for one in reports if report in ("", one.name)), None)
        if shown is None:
            raise Http404
        form = ReportForm(
            request.GET,
            choices=shown.choices,
            today=timezone.localdate(timezone=timezone.get_default_timezone()),
        )
        period, rows = None, []
        if form.is_valid():
            period = form.period_days()
            rows = shown.rows(since=period[0], until=period[1], **form.chosen())
        if request.GET.get("export") in FORMATS:
            if not self.may(EXPORT):
                raise PermissionDenied
            if period is not None:
                asked = {"since": period[0].isoformat(), "until": period[1].isoformat(), **form.chosen()}
                return answer(
                    request,
                    name=shown.name,
                    title=str(shown.title),
                    columns=shown.columns(),
                    rows=rows,
                    asked=asked,
                )
        return self.render(
            report=shown,
            reports=reports,
            form=form,
            rows=rows,
            period=period,
            books_zone=settings.TIME_ZONE,
            may_export=self.may(EXPORT),
        )
