"""Hostile HTML becomes plain words."""

from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from payments.providers.premium_exchanger.plaintext import plain, prose, title
from tests.every import every


class TestPlain:
    @every(
        ("html", "text"),
        [
            ("", ""),
            ("Pay 5 USDT", "Pay 5 USDT"),
            ("<p>One</p><p>Two <b>bold</b></p>", "One\nTwo bold"),
            ("a<br>b<br/>c<BR />d", "a\nb\nc\nd"),
            ("<ul><li>x</li><li>y</li></ul>", "x\ny"),
            ("1 &lt; 2 &amp; 3&nbsp;&euro;", "1 < 2 & 3 €"),
            ("&lt;script&gt;alert(1)&lt;/script&gt;", "<script>alert(1)</script>"),
            ("<script>alert(1)</script>x<style>p{}</style>", "x"),
            ("<img src=x onerror=alert(1)>y", "y"),
            ("<svg/onload=alert(1)>z", "z"),
            ("<!-- hidden -->seen", "seen"),
            ("<a href='https://x.example/p?a=1&amp;b=2'>Pay</a>", "Pay (https://x.example/p?a=1&b=2)"),
            ("<a href='https://x.example/'>https://x.example/</a>", "https://x.example/"),
            ("<a href='javascript:alert(1)'>Pay</a>", "Pay"),
            ("<a href='/relative'>Pay</a>", "Pay"),
            ("5 < 6 and 7 > 2", "5 < 6 and 7 > 2"),
            ("<b>not closed", "not closed"),
            ("a\r\n\r\n\n  b\t c", "a\nb c"),
            ("card\u202e4321 1234\u202c\u200b", "card4321 1234"),
            ("nul\x00l \x1b[31m", "null [31m"),
        ],
    )
    def test_it_reads_like_this(self, html: str, text: str) -> None:
        assert plain(html) == text

    def test_it_is_cut(self) -> None:
        assert plain("x" * 50_000, limit=100) == "x" * 100
        assert "x" not in plain("<p>" * 50_000 + "x")

    @every("bad", ["<a ", "<a href='", "<!--", "</", "&#", "<script>", "<?", "<![CDATA["])
    def test_nobody_can_keep_it_busy(self, bad: str) -> None:
        begun = time.process_time()
        plain(bad * 20_000)
        assert time.process_time() - begun < 1

    @given(
        st.text(max_size=300) | st.lists(st.sampled_from(list("<>/&;a\"'=!-p \n")), max_size=80).map("".join)
    )
    @settings(max_examples=400, deadline=None)
    def test_nothing_raises_and_plain_is_plain(self, html: str) -> None:
        found = plain(html)
        assert "\x00" not in found
        assert found == found.strip()


class TestNamed:
    @every("value", [None, [], {}, ["x"], {"a": 1}, True, False])
    def test_what_is_no_text_is_none(self, value: object) -> None:
        assert prose({"x": value}, "x") == title({"x": value}, "x") == ""

    def test_a_title_has_one_line(self) -> None:
        assert title({"x": "a<br>b"}, "x") == "a b"
