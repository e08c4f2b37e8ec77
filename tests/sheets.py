"""Reads back a spreadsheet that the product made: cells as (kind, text), exactly as they stand in the file."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@dataclass
class Sheet:
    """The first sheet. `lines`: each row as {column letter: (kind, text)}, kind "n" for a number, "s" for a text."""

    xml: str
    styles: str
    lines: list[dict[str, tuple[str, str]]] = field(default_factory=list)

    def texts(self) -> list[dict[str, str]]:
        """The rows below the header, by the header's words; empty cells as ""."""
        head = {letter: text for letter, (_kind, text) in self.lines[0].items()}
        return [
            {word: line.get(letter, ("", ""))[1] for letter, word in head.items()} for line in self.lines[1:]
        ]

    def kinds(self, word: str) -> list[str]:
        """The kinds of the cells below this header."""
        letter = next(letter for letter, (_kind, text) in self.lines[0].items() if text == word)
        return [line.get(letter, ("", ""))[0] for line in self.lines[1:]]


def read(content: bytes) -> Sheet:
    """The first sheet of a workbook. Formulas raise AssertionError: the product writes none."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        xml = book.read("xl/worksheets/sheet1.xml").decode()
        sheet = Sheet(xml, book.read("xl/styles.xml").decode())
    assert "<f>" not in xml
    for row in ElementTree.fromstring(xml).iter(f"{_MAIN}row"):  # noqa: S314 - of our own making
        line: dict[str, tuple[str, str]] = {}
        for one in row.iter(f"{_MAIN}c"):
            letter = re.match("[A-Z]+", one.attrib["r"])
            assert letter
            kind = "s" if one.get("t") == "inlineStr" else "n"
            found: Any = one.find(f".//{_MAIN}t" if kind == "s" else f"{_MAIN}v")
            line[letter[0]] = (kind, found.text or "")
        sheet.lines.append(line)
    return sheet
