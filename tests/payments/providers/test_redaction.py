"""What a trace may show (RELIABILITY L01, L07)."""

from __future__ import annotations

import json
import time

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backoffice.kit import money
from payments.providers.bitloga.client import Bitloga
from payments.providers.redaction import (
    MASK,
    Redactor,
    Secret,
    mask_account,
    mask_cards,
    mask_numbers,
    storable,
)
from tests.every import every

CARD = "4111111111111111"
MASKED = "411111******1111"
TOKEN = "Zk3-9_abcdefghijklmnopqrstuvwxyz0123456789"


def redactor(*secrets: str) -> Redactor:
    return Redactor(Bitloga.hidden, map(Secret, secrets), Bitloga.hidden_patterns)


class TestHiddenNames:
    @every(
        ("text", "kept"),
        [
            ('{"code":"x-1","amount":1.50}', '{"code":"***","amount":1.50}'),
            ('{"pass":"a b","desc":"d"}', '{"pass":"***","desc":"d"}'),
            ('{"PASS":"x"}', '{"PASS":"***"}'),
            ('{"c\\u006fde":"x"}', '{"c\\u006fde":"***"}'),
            ('{"code" :  "x" }', '{"code" :  "***" }'),
            ('{"code":123456}', '{"code":"***"}'),
            ('{"code":["x",{"y":"z"}],"desc":"d"}', '{"code":["***",{"y":"***"}],"desc":"d"}'),
            ('{"data":[{"code":"x"},{"code":"y"}]}', '{"data":[{"code":"***"},{"code":"***"}]}'),
            ('{"code":null,"amount":1}', '{"code":null,"amount":1}'),
            ('{"a":"code","b":"x"}', '{"a":"code","b":"x"}'),
            ('{"success":true,"code":"wf9g-am', '{"success":true,"code":"***"'),
            ('{"code":"ab\\', '{"code":"***"'),
            ('<p>{"code":"x"}</p>', '<p>{"code":"***"}</p>'),
        ],
    )
    def test_their_values_are_blanked_and_the_rest_stays(self, text: str, kept: str) -> None:
        assert redactor().text(text) == kept

    def test_everything_else_stays_to_the_letter(self) -> None:
        text = (
            ' {"a" : 1.0e-8,\n\t"b":[10.00, -0, true,null],"c":"\\u00e9 \\/ é","id":"261120101530123456"}\n'
        )
        assert redactor("canary-secret").text(text) == text


class TestKnownSecrets:
    @every("secret", ["canary-secret", 'qu"ote/sl\\ash', "пароль", "a&b<c>d", "with space, comma: x"])
    def test_each_spelling_goes(self, secret: str) -> None:
        for text in (
            json.dumps({"message": f"wrong {secret}!"}),
            json.dumps({"message": f"wrong {secret}!"}, ensure_ascii=False),
            json.dumps({"message": secret}).replace("/", "\\/"),
            f"<p>{secret}</p>",
            f"wrong {secret}",
            f'"cut off {secret}',
        ):
            kept = redactor(secret).text(text)
            assert secret not in kept
            assert MASK in kept

    def test_a_short_one_goes_only_where_it_stands_alone(self) -> None:
        kept = redactor("1").text('{"amount":1,"desc":"pass 1 of 11","pass":"1"}')
        assert kept == '{"amount":1,"desc":"pass *** of 11","pass":"***"}'

    def test_valid_json_stays_valid(self) -> None:
        kept = redactor("true", "1500", "amount").text('{"success":true,"amount":1500,"x":"1500"}')
        assert json.loads(kept)["x"] == MASK

    def test_utf_16_hides_nothing(self) -> None:
        for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
            assert "canary" not in redactor("canary-secret").body('{"a":"canary-secret"}'.encode(encoding))

    def test_a_voucher_code_goes_wherever_it_stands(self) -> None:
        for text in (
            "<p>wf9g-amrf-2o9t-831u</p>",
            '{"desc":"for wf9g-amrf-2o9t-831u"}',
            '{"wf9g-amrf-2o9t-831u":1}',
        ):
            assert "amrf" not in redactor().text(text)

    def test_a_signature_goes_and_a_transaction_hash_stays(self) -> None:
        assert "ab" * 20 not in redactor().text("sign " + "ab" * 64)
        assert redactor().text('{"txid":"' + "ab" * 32 + '"}') == '{"txid":"' + "ab" * 32 + '"}'


class TestCallbackTokens:
    @every(
        "text",
        [
            '{"callbackurl":"https://m.example/callbacks/bitloga/' + TOKEN + '/","desc":"d"}',
            '{"callbackurl":"https:\\/\\/m.example\\/callbacks\\/bitloga\\/' + TOKEN + '\\/"}',
            "https://m.example/callbacks/premium_exchanger/" + TOKEN,
            "?u=https%3A%2F%2Fm.example%2Fcallbacks%2Fbitloga%2F" + TOKEN + "%2F",
        ],
    )
    def test_they_go_and_the_way_stays(self, text: str) -> None:
        kept = redactor().text(text)
        assert TOKEN not in kept
        assert "callbacks" in kept


class TestCards:
    @every(
        ("text", "kept"),
        [
            (CARD, MASKED),
            (f'{{"purse":"{CARD}"}}', f'{{"purse":"{MASKED}"}}'),
            (f'{{"purse":{CARD}}}', f'{{"purse":"{MASKED}"}}'),
            ("4111 1111 1111 1111", MASKED),
            ("4111-1111-1111-1111", MASKED),
            (f"12 {CARD}", f"12 {MASKED}"),
            (f"phone 79088889999 {CARD}, {CARD}", f"phone 79088889999 {MASKED}, {MASKED}"),
            ("12 4111 1111 1111 1111 99", f"12 {MASKED} 99"),
            ("4222222222222", "422222***2222"),
            ("6304000000000000000", "630400*********0000"),
        ],
    )
    def test_first_six_and_last_four_stay(self, text: str, kept: str) -> None:
        assert redactor().text(text) == kept

    @every(
        "text",
        [
            "4111111111111112",  # fails Luhn
            "411111111111",  # too short
            "41111111111111111111",  # too long
            "0.41111111111111111",  # decimals
            "4111111111111111.5",
            "TQ4111111111111111",  # part of an address
            '{"amount":10.0999999999999996}',
        ],
    )
    def test_what_is_no_card_stays(self, text: str) -> None:
        assert redactor().text(text) == text

    def test_our_references_stay_although_a_tenth_passes_luhn(self) -> None:
        references = [f"261120101530{number:06}" for number in range(1000)]
        text = json.dumps(references)
        assert mask_cards(text) == text

    def test_18_digits_that_are_no_time_are_a_card(self) -> None:
        found = [mask_cards(f"26139910153000000{digit}") for digit in range(10)]
        assert [text for text in found if "*" in text] == ["261399********0002"]

    @given(st.from_regex(r"[0-9]{12,18}", fullmatch=True))
    @settings(max_examples=200, deadline=None)
    def test_whatever_passes_luhn_is_masked(self, digits: str) -> None:
        total = sum(sum(divmod(int(d) * (2 - i % 2), 10)) for i, d in enumerate(reversed(digits)))
        number = digits + str(-total % 10)
        assert ("*" in mask_cards(number)) == (
            not 25 <= int(number[:2]) <= 49 or len(number) != 18 or "*" in mask_cards(number)
        )
        if len(number) != 18:
            assert mask_cards(number) == number[:6] + "*" * (len(number) - 10) + number[-4:]


class TestAnyText:
    @given(st.text(max_size=300), st.text(min_size=4, max_size=20).filter(lambda text: "*" not in text))
    @settings(max_examples=200, deadline=None)
    def test_a_known_secret_never_stays(self, text: str, secret: str) -> None:
        kept = redactor(secret).text(text + secret + text)
        assert storable(secret) not in kept or storable(secret) != secret

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=12),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=12), inner),
            max_leaves=10,
        ),
        st.booleans(),
    )
    @settings(max_examples=200, deadline=None)
    def test_json_without_secrets_keeps_its_meaning(self, value: object, pretty: bool) -> None:
        text = json.dumps(value, indent=2 if pretty else None)
        assume(not any(f'"{name}"' in text.lower() for name in Bitloga.hidden))
        kept = json.loads(redactor("canary-secret").text(text))
        assert kept == json.loads(text.replace("\\u0000", "\\ufffd"))

    @given(st.binary(max_size=300))
    @settings(max_examples=200, deadline=None)
    def test_any_bytes_become_a_text_that_a_database_can_hold(self, body: bytes) -> None:
        kept = redactor("canary").body(body)
        assert "\x00" not in kept
        kept.encode()

    def test_escaped_nul_and_half_pairs_are_replaced(self) -> None:
        kept = redactor().text('{"a":"x\\u0000y\\ud800z","b":"\\ud83d\\ude00"}')
        assert money.loads(kept) == {"a": "x\ufffdy\ufffdz", "b": "\U0001f600"}

    @every("text", ['{"a":"b","c":1},', "1 ", "111 ", '"', "[", "\\\\", '{"code":', "4111-"])
    def test_no_body_takes_more_than_linear_time(self, text: str) -> None:
        begun = time.process_time()
        redactor("canary-secret", "1").text(text * (300_000 // len(text)))
        assert time.process_time() - begun < 4


class TestSecret:
    def test_it_shows_itself_to_nobody(self) -> None:
        secret = Secret("canary-secret")
        assert "canary" not in f"{secret!r} {secret} {[secret]} { ({'k': secret}) }"
        assert secret.reveal() == "canary-secret"


class TestNumbers:
    """Numbers of cards and accounts, mistyped or not, however they are parted."""

    def test_they_are_known_however_they_are_written(self) -> None:
        parted = ["-", " ", "\u2011", "\u2010", "\u2013", "\u2212", "\ufe63", "\u202f", "\u00a0", "\u2009"]
        parted += ["/", "_", ",", ".", "\u200b", "\u2060", "\u00ad", " - ", "\ufe0f\u20e3"]
        for sign in parted:
            number = sign.join(["4111", "1111", "1111", "1112"])
            assert mask_numbers(f"Pay to {number}, soon") == "Pay to ************1112, soon", repr(sign)
            assert mask_account(number) == "************1112", repr(sign)
            assert mask_numbers(number.replace("1112", "1111")) == MASKED, repr(sign)
        assert mask_numbers("№ ４１１１１１１１１１１１１１１２") == "№ ************1112"
        for iban in ("de89370400440532013000", "De89 3704 0044 0532 0130 00", "gb29nwbk60161331926819"):
            kept = mask_numbers(f"to {iban} Please, at once")
            assert "04" not in kept and "6016" not in kept, kept
            assert kept.endswith(f"{iban.replace(' ', '')[-4:]} Please, at once"), kept
        assert "6016" not in mask_numbers("gb29 nwbk 6016 1331 9268 19 please pay it today")
        assert "0532" not in mask_numbers("de88 3704 0044 0532 0130 00 mistyped")
        assert mask_numbers("ab12 please send it all to 4111 1111 1111 1112").endswith("to ************1112")

        reference = "261120101530123456"
        assert mask_numbers(f"{reference}, 4111 1111 1111 1112, {reference}") == (
            f"{reference}, ************1112, {reference}"
        )

    def test_other_things_stay_to_the_letter(self) -> None:
        for text in (
            "2026-11-22 10:30",
            "1,000,000.50 RUB",
            "TJRyWwFs9wTFGZg3JbrVriFbNfCug5tDeC",
            "0x" + "1" * 40,
            "no12 blah blah blah blah",
            "261120101530123456, 261120101530123457",
            "Счёт № 12\u00a0345",
            "shop@example.com",
        ):
            assert mask_numbers(text) == text

    def test_long_texts_stay_cheap(self) -> None:
        begun = time.process_time()
        for text in ("1", "1 ", "1     ", "ab12 ", "１\u2011", "a1", "1,", "de89 3704 x ", "1" * 11 + "x "):
            mask_numbers(text * (100_000 // len(text)))
            mask_account("x" + text * (100_000 // len(text)) + "x" * 300_000)
        mask_numbers("1" * 11 + " " * 100_000 + "x")
        assert time.process_time() - begun < 5
