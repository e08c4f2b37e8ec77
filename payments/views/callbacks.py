"""Where providers' callbacks arrive: one INSERT and 200. Parses nothing, asks nobody, checks no signature.

No login and no CSRF here: providers have neither; the token in the path is the key, and nothing is believed.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from . import callback_guesses

# Token check and store are one statement: nothing is stored for an unknown token, and a burst of the same
# callback is one row until a worker claims it.
STORE = """
WITH token AS (
    SELECT t.account_id, t.reference_id, t.retired_at IS NOT NULL AS retired
      FROM payments_callbacktoken t JOIN payments_provideraccount a ON a.id = t.account_id
     WHERE t.digest = %s AND a.provider = %s
       AND (t.retired_at IS NULL OR t.retired_at > now() - make_interval(days => %s))
), stored AS (
    INSERT INTO payments_callback (account_id, token_reference_id, is_retired_token, content_type, signature, body,
           size, digest, status, tries, next_try_at, result, received_at)
    SELECT account_id, reference_id, retired, %s, %s, %s, %s, %s, 'new', 0, now(), '', clock_timestamp() FROM token
    ON CONFLICT (digest) WHERE status = 'new' DO NOTHING
)
SELECT count(*) FROM token
"""


@csrf_exempt
@login_not_required
@require_POST
def receive(request: HttpRequest, provider: str, token: str) -> HttpResponse:
    """Store the callback. 200 stored (or already here), 404 unknown token, 413 too large, 503 no database."""
    if callback_guesses.is_banned(request):
        return HttpResponse(status=404)
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not re.fullmatch(r"[0-9]{1,9}", length, re.ASCII) or int(length) > settings.CALLBACK_MAX_BYTES:
        return HttpResponse(status=413)
    body = request.read(settings.CALLBACK_MAX_BYTES + 1)
    if len(body) > settings.CALLBACK_MAX_BYTES:
        return HttpResponse(status=413)
    signature = request.META.get("HTTP_X_SIGNATURE", "")[:256].replace("\x00", "")
    content_type = request.META.get("CONTENT_TYPE", "")[:80].replace("\x00", "")
    token_digest = hashlib.sha256(token.encode()).hexdigest()
    digest = hashlib.sha256(b"\0".join([token.encode(), body, signature.encode()])).hexdigest()
    values = (
        token_digest,
        provider,
        settings.CALLBACK_TOKEN_DAYS,
        content_type,
        signature,
        body,
        len(body),
        digest,
    )
    try:
        known = _store(values)
    except DatabaseError:
        connection.close()
        return HttpResponse(status=503)
    if known:
        callback_guesses.welcome(request)
        return HttpResponse(status=200)
    callback_guesses.note(request)
    return HttpResponse(status=404)


def _store(values: tuple[Any, ...]) -> int:
    """Run the statement; gives 0 for an unknown token. Raises DatabaseError.

    Without the question "are you there" before it: a connection that the server has closed meanwhile is opened anew
    and tried once more, which is harmless, because the same callback twice is one row.
    """
    connection.health_check_done = True  # type: ignore[attr-defined]
    try:
        return _run(values)
    except (OperationalError, InterfaceError):
        connection.close()
        return _run(values)


def _run(values: tuple[Any, ...]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(STORE, values)
        return int(cursor.fetchone()[0])
