"""Where providers' callbacks arrive: one INSERT and 200. Parses nothing, asks nobody, checks no signature.

No login and no CSRF here: providers have neither; the token in the path is the key, and nothing is believed.
"""

from __future__ import annotations

import hashlib

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

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
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > settings.CALLBACK_MAX_BYTES:
        return HttpResponse(status=413)
    body = request.read(settings.CALLBACK_MAX_BYTES + 1)
    if len(body) > settings.CALLBACK_MAX_BYTES:
        return HttpResponse(status=413)
    signature = request.headers.get("X-Signature", "")[:256].replace("\x00", "")
    content_type = request.headers.get("Content-Type", "")[:80].replace("\x00", "")
    token_digest = hashlib.sha256(token.encode()).hexdigest()
    digest = hashlib.sha256(b"\0".join([token.encode(), body, signature.encode()])).hexdigest()
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                STORE,
                [
                    token_digest,
                    provider,
                    settings.CALLBACK_TOKEN_DAYS,
                    content_type,
                    signature,
                    body,
                    len(body),
                    digest,
                ],
            )
            known = cursor.fetchone()[0]
    except DatabaseError:
        connection.close()
        return HttpResponse(status=503)
    return HttpResponse(status=200 if known else 404)
