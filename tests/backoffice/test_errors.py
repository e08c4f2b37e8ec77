"""What an error page with DEBUG tells: where it happened, and nothing that anybody typed or that opens a server."""

from __future__ import annotations

import sys
from typing import Any

from django.test import RequestFactory
from django.views.debug import technical_500_response

# In parts: the page shows the lines of this file.
CANARY = "-".join(["CAN", "ARY"])


def _fails(code: str) -> None:
    raise ValueError("nothing to tell")


def test_neither_variables_nor_what_was_typed_nor_servers_nor_cookies(settings: Any) -> None:
    settings.DEBUG = True
    settings.DATABASE_URL = f"postgresql://staff:{CANARY}1@db.example/books"
    request = RequestFactory().post("/vouchers/redeem/", {"code": f"{CANARY}2"})
    request.COOKIES["csrf"] = f"{CANARY}3"
    try:
        _fails(f"{CANARY}4")
    except ValueError:
        page = technical_500_response(request, *sys.exc_info()).content.decode()
    assert "nothing to tell" in page
    assert [number for number in range(1, 5) if f"{CANARY}{number}" in page] == []
