"""What a log line says of a request: its route, never its path, which may hold a token or a reset key."""

from __future__ import annotations

import logging
from typing import Any

CALLBACKS = "/callbacks/"
CALLBACK_ROUTE = "/callbacks/<provider>/<token>/"
NO_ROUTE = "(no such page)"


def route_of(request: Any) -> str:
    """The pattern that answered, e.g. /invoices/<int:pk>/. Known only after the URL map was asked."""
    if request.path_info.startswith(CALLBACKS):
        return CALLBACK_ROUTE
    match = getattr(request, "resolver_match", None)
    return f"/{match.route}" if match else NO_ROUTE


class RouteOnly(logging.Filter):
    """Puts the route where Django's own lines (not found, refused, failed) put the path."""

    def filter(self, record: logging.LogRecord) -> bool:
        request: Any = getattr(record, "request", None)
        if hasattr(request, "path_info") and isinstance(record.args, tuple):
            paths = {request.path, request.path_info, request.get_full_path()}
            record.args = tuple(route_of(request) if word in paths else word for word in record.args)
        return True
