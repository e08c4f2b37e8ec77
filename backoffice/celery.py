"""The Celery app: queues, limits and the beat table. Holds no task and no rule.

Messages are hints that carry ids; the rows are the queue (DESIGN section 3, rule 5), so a lost or doubled
message costs a second, never money.
"""

from __future__ import annotations

import os

from celery import Celery
from celery.signals import beat_init, setup_logging
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")

app = Celery("backoffice")
app.steps["worker"].add(DjangoStructLogInitStep)
app.config_from_object("django.conf:settings", namespace="CELERY")

MONEY, POLLING, REPORTS = "money", "polling", "reports"

# name: (task, period in seconds, queue). A message older than its period is dropped.
BEAT = {
    "callbacks": ("payments.process_callbacks", 1, MONEY),
    "due-work": ("payments.run_stuck", 5, MONEY),
    "polls": ("payments.poll_due", 2, POLLING),
    "balances": ("payments.refresh_balances", 30, POLLING),
    "bid-acts": ("payments.run_bid_acts", 5, MONEY),
    "bid-imports": ("payments.run_bid_imports", 60, POLLING),
    "directions": ("payments.run_directions", 60, POLLING),
    "partners": ("payments.run_partners", 120, POLLING),
    "methods": ("payments.refresh_all_methods", 60, POLLING),
    "deposits": ("payments.scan_accounts", 30, POLLING),
    "services": ("payments.scan_services", 60, POLLING),
    "vouchers": ("codes.sync_accounts", 30, POLLING),
    "expire": ("payments.expire", 60, POLLING),
    "search": ("backoffice.index_search", 2, REPORTS),
    "daily-sums": ("payments.fold_daily_sums", 10, REPORTS),
    "prune": ("payments.prune_traffic", 3600, REPORTS),
    "heartbeat": ("backoffice.heartbeat", 10, MONEY),
}

app.conf.update(
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_max_tasks_per_child=500,
    worker_max_memory_per_child=200_000,
    worker_hijack_root_logger=False,
    task_time_limit=120,
    task_soft_time_limit=90,
    task_default_queue=MONEY,
    broker_connection_retry_on_startup=True,
    # A click waits at most this long when the broker is down; the sweep finds its row.
    broker_transport_options={
        "visibility_timeout": 900,
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,
        "socket_connect_timeout": 0.5,
        "socket_timeout": 5,
        "max_retries": 0,  # of connecting, for who publishes; workers go on trying by themselves
    },
    task_publish_retry=False,
    task_routes={
        "payments.poll_*": {"queue": POLLING},
        "payments.refresh_balances": {"queue": POLLING},
        "payments.import_*": {"queue": POLLING},
        "payments.refresh_direction*": {"queue": POLLING},
        "payments.refresh_all_methods": {"queue": POLLING},
        "payments.scan_*": {"queue": POLLING},
        "codes.sync_*": {"queue": POLLING},
        "backoffice.index_*": {"queue": REPORTS},
        "payments.fold_*": {"queue": REPORTS},
        "payments.prune_traffic": {"queue": REPORTS},
    },
    beat_schedule={
        name: {"task": task, "schedule": period, "options": {"queue": queue, "expires": period}}
        for name, (task, period, queue) in BEAT.items()
    },
    beat_scheduler="celery.beat:Scheduler",
)
app.autodiscover_tasks()


@setup_logging.connect
def _logging(**_kwargs: object) -> None:
    """Celery keeps its hands off the log set-up: ours is JSON with ids (settings.LOGGING)."""
    import logging.config

    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)


@beat_init.connect
def _first_heartbeat(**_kwargs: object) -> None:
    """A beat that starts says so at once: /readyz need not wait for its first period."""
    app.send_task("backoffice.heartbeat", queue=MONEY, expires=60)
