"""Every variable that the product reads is explained in .env.example, and nothing else is."""

from __future__ import annotations

import re

from tests.keeper import ROOT
from tests.servers import known_variables

READ = re.compile(r"""(?:env\.\w+|required|environ\.get|Env\(\)\.\w+)\(\s*"([A-Z][A-Z0-9_]+)\"""")
OUTSIDE = re.compile(r"\$\{([A-Z_]+):")


def variables_read() -> set[str]:
    found: set[str] = set()
    for path in [
        *ROOT.glob("backoffice/**/*.py"),
        *ROOT.glob("payments/**/*.py"),
        *ROOT.glob("codes/**/*.py"),
    ]:
        found |= set(READ.findall(path.read_text()))
    return found | set(OUTSIDE.findall((ROOT / "Procfile").read_text()))


class TestEnvExample:
    def test_it_names_what_is_read(self) -> None:
        assert variables_read() - known_variables() == set()

    def test_it_names_nothing_else(self) -> None:
        by_libraries = {"PROMETHEUS_MULTIPROC_DIR"}
        assert known_variables() - variables_read() == by_libraries

    def test_every_line_says_why(self) -> None:
        lines = (ROOT / ".env.example").read_text().splitlines()
        for number, line in enumerate(lines):
            if "=" in line and known_variables() & {line.lstrip("# ").split("=")[0]}:
                block = [text for text in lines[max(0, number - 3) : number] if text.startswith("# ")]
                assert block, f"{line} has no line of why"
