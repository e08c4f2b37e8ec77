"""What README.md and docs/ say about the tree is true."""

from __future__ import annotations

import re
from pathlib import Path

from tests.source import ROOT


class TestDocuments:
    """Every path that the documents name is there."""

    PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)*/?")
    FILE = re.compile(r"\.(py|md|txt|toml|html|css|js|yml|yaml|json|sh|example|svg|po|mo)$")
    #: Made by `make run` or a person's own.
    MADE = ("var", ".env", ".venv", "staticfiles")

    def named(self, document: Path) -> set[str]:
        text = document.read_text()
        links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
        words = [word for span in re.findall(r"`([^`\n]+)`", text) for word in span.split()]
        plain = {word.rstrip(".,;:") for word in words if self.PATH.fullmatch(word)}
        top = {path.name for path in ROOT.iterdir()}  # `application/json` and routes are not paths
        paths = {
            word for word in plain if ("/" in word and word.split("/")[0] in top) or self.FILE.search(word)
        }
        local = {link for link in links if "://" not in link and not link.startswith("mailto:")}
        return {path for path in paths | local if path.split("/")[0] not in self.MADE}

    def test_every_path_in_the_documents_exists(self) -> None:
        documents = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
        missing = [
            f"{document.relative_to(ROOT)} names {path}"
            for document in documents
            for path in sorted(self.named(document))
            if not (ROOT / path).exists() and not (document.parent / path).exists()
        ]
        assert not missing, "\n".join(missing)
