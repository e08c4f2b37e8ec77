"""`make bench`: runs every benchmark on private servers and prints the ratios."""

from __future__ import annotations

import tempfile
from pathlib import Path

from backoffice import embedded
from benchmarks import callbacks


def main() -> None:
    """Start servers of our own, measure, stop them."""
    with tempfile.TemporaryDirectory(prefix="bo-bench-") as folder:
        home = Path(folder)
        embedded.renew(home)
        embedded.start(home)
        try:
            for line in callbacks.run(home):
                print(line, flush=True)
        finally:
            embedded.stop(home)
            embedded.remove(home)


if __name__ == "__main__":
    main()
