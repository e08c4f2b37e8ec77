"""A warm process that forks one child per order: `python -m tests.crash.forge`, orders and answers as lines of JSON.

It sets Django up once and never opens a connection or a thread, so that a fork is cheap and clean. A child sets its
failpoint, does its job (see jobs) and ends, or is ended; the test that ordered it plays everybody else.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any


def _child(order: dict[str, Any], answers: int) -> None:
    """Do the job and leave without cleaning up, as a process that was forked must."""
    code = 1
    try:
        from django.conf import settings

        from tests.crash.jobs import JOBS

        os.environ.update(order["env"])
        for name, value in order["settings"].items():
            setattr(settings, name, value)
        result = JOBS[order["job"]](**order["arguments"])
        os.write(answers, json.dumps(result).encode())
        code = 0
    except BaseException:  # noqa: BLE001 - told on stderr, and by the exit code
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _fork(order: dict[str, Any], pipes: dict[int, int]) -> dict[str, Any]:
    answers, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(answers)
        os.close(0)
        os.dup2(2, 1)  # what it prints is no answer of ours
        _child(order, write)
    os.close(write)
    pipes[pid] = answers
    return {"pid": pid}


def _wait(order: dict[str, Any], pipes: dict[int, int]) -> dict[str, Any]:
    """How the child ended, with what its job gave; or, with `stopped`, that it stands still."""
    _pid, status = os.waitpid(order["wait"], os.WUNTRACED if order["stopped"] else 0)
    if os.WIFSTOPPED(status):
        return {"stopped": True}
    said = b""
    while part := os.read(pipes[order["wait"]], 65536):
        said += part
    os.close(pipes.pop(order["wait"]))
    return {
        "stopped": False,
        "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
        "code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0,
        "result": json.loads(said) if said else None,
    }


def main() -> None:
    import django

    django.setup()
    import celery.app.amqp
    import kombu.transport.redis  # noqa: F401 - warm
    import redis.connection  # noqa: F401 - warm

    import backoffice.celery  # noqa: F401 - the app that wake sends by
    import payments.tasks
    import tests.crash.kinds  # noqa: F401 - warm

    assert celery.app.amqp
    assert payments.tasks
    pipes: dict[int, int] = {}
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        answer = _fork(order, pipes) if "job" in order else _wait(order, pipes)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
