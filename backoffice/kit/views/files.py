"""Rows as a file: CSV or XLSX, with a line in the audit trail of who took what. Who may is decided by the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import gettext as _

from backoffice import audit

from .. import html, spreadsheets
from ..exports import ExportColumn, stream_csv
from ..paging import COUNT_CAP, capped_count

EXPORT = "backoffice.export"
CSV, XLSX = FORMATS = ("csv", "xlsx")


def answer(
    request: HttpRequest,
    *,
    name: str,
    title: str,
    columns: Sequence[ExportColumn],
    rows: QuerySet[Any] | Sequence[Any],
    asked: Mapping[str, str],
) -> HttpResponseBase:
    """The file that `?export=` asks for. `asked`: the filters, for the audit trail; no secret in it."""
    form = request.GET["export"]
    most = spreadsheets.MAX_ROWS if form == XLSX else COUNT_CAP
    count = capped_count(rows, most) if isinstance(rows, QuerySet) else len(rows)
    if form == XLSX and count > most:
        words = _(
            "A spreadsheet holds %(most)s rows. Narrow the filters, or take the CSV, which holds any number."
        )
        messages.error(request, words % {"most": html.amount_text(Decimal(most), places=0)})
        return HttpResponseRedirect(_without_export(request))
    with transaction.atomic():
        audit.record(
            request.user,
            "export.made",
            request.user,
            list=name,
            format=form,
            filters=dict(asked),
            rows=count if count <= most else f"more than {most}",
            zone=get_current_timezone_name(),
        )
    if form == XLSX:
        return spreadsheets.file_response(name=name, title=title, columns=columns, rows=rows)
    return stream_csv(name=name, columns=columns, rows=rows)


def _without_export(request: HttpRequest) -> str:
    query = request.GET.copy()
    del query["export"]
    return f"{request.path}?{query.urlencode()}" if query else request.path
