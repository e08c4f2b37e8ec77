"""`make bench`: runs every benchmark, or the one that is named, on private servers and prints the ratios."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from backoffice import embedded
from benchmarks import callbacks, history

ALL = {"callbacks": callbacks.run, "history": history.run}


def main(names: list[str]) -> None:
    """Start servers of our own, measure, stop them."""
    unknown = set(names) - set(ALL)
    if unknown:
        sys.exit(f"There is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(ALL)}.")
    with tempfile.TemporaryDirectory(prefix="bo-bench-") as folder:
        home = Path(folder)
        embedded.renew(home)
        embedded.start(home)
        try:
            for name in names or ALL:
                for line in ALL[name](home):
                    print(line, flush=True)
        finally:
            embedded.stop(home)
            embedded.remove(home)


if __name__ == "__main__":
    main(sys.argv[1:])
