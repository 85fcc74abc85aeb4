"""Messages: what travels is what was meant, for programs that read them and against what hostile names try."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import os
import time
from collections.abc import Callable
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spm_lib.errors import RunError, one_line
from spm_lib.press.deliver.attachments import Attachment
from spm_lib.press.deliver.message import Envelope, body_of, bytes_of, message_id_of, message_of
from spm_lib.press.render.eml import Mail
from spm_lib.press.render.facts import Facts
from spm_lib.press.render.mail import mail_of

from ..books import report
from ..mail_rules import Read, broken, words

PNG = b"\x89PNG\r\n\x1a\n and so on"
MAIL = Mail(
    "The draft's own subject",
    '<!doctype html>\n<html lang="en"><body><div style="display:none">First</div><p>Größe</p></body></html>\n',
    "Größe\n",
    {"figure": PNG},
)
PAGE = Attachment("west-2017-q4.html", b"<html>" + bytes(range(256)) * 40, "text/html")
SHEET = Attachment("deals.xlsx", os.urandom(3000), "application/vnd.ms-excel")
WHEN = dt.datetime(2030, 1, 7, 7, 0, tzinfo=dt.timezone(dt.timedelta(hours=1)))
ENVELOPE = Envelope(
    sender="reports@example.com",
    recipient="jo@example.com",
    subject="West, Q4 2017: 38% of quota",
    message_id=message_id_of("team_performance", "west", domain="example.com"),
    list_id="team-performance.example.com",
    date=WHEN,
    reply_to="revops@example.com",
    sender_name="Sales reports",
)


def envelope(**more: Any) -> Envelope:
    return Envelope(**{**vars(ENVELOPE), **more})


def parsed(content: bytes) -> EmailMessage:
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert [type(d).__name__ for part in message.walk() for d in part.defects] == []
    return message


def test_headers_say_who_writes_to_whom_and_that_a_program_wrote_it() -> None:
    message = parsed(bytes_of(message_of(MAIL, ENVELOPE)))
    assert {name: str(value) for name, value in message.items() if name != "Content-Type"} == {
        "From": "Sales reports <reports@example.com>",
        "To": "jo@example.com",
        "Subject": "West, Q4 2017: 38% of quota",
        "Date": "Mon, 07 Jan 2030 07:00:00 +0100",
        "Message-ID": ENVELOPE.message_id,
        "List-Id": "<team-performance.example.com>",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "OOF, AutoReply",
        "Reply-To": "revops@example.com",
        "MIME-Version": "1.0",
    }


def test_what_is_optional_is_left_out_and_a_correction_says_that_it_is_one() -> None:
    plain = parsed(bytes_of(message_of(MAIL, envelope(reply_to=None, sender_name=""))))
    assert "Reply-To" not in plain and plain["From"] == "reports@example.com"
    assert "X-Report-Revision" not in plain
    assert parsed(bytes_of(message_of(MAIL, envelope(revision=2))))["X-Report-Revision"] == "2"


EMPTY = Attachment("empty.csv", b"", "text/csv")


def test_everything_arrives_as_it_went_in() -> None:
    message = parsed(bytes_of(message_of(MAIL, ENVELOPE, [PAGE, SHEET])))
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None and html is not None
    assert [each.get_content().replace("\r\n", "\n") for each in (text, html)] == [MAIL.text, MAIL.html]
    attached = list(message.iter_attachments())
    assert [part.get_filename() for part in attached] == ["west-2017-q4.html", "deals.xlsx"]
    assert [part.get_payload(decode=True) for part in attached] == [PAGE.content, SHEET.content]
    assert [part.get_content_type() for part in attached] == [PAGE.content_type, SHEET.content_type]
    assert [part.get_content_disposition() for part in attached] == ["attachment", "attachment"]
    pictures = [part for part in message.walk() if part["Content-ID"]]
    assert [(str(p["Content-ID"]), p.get_content()) for p in pictures] == [("<figure>", PNG)]


@pytest.mark.parametrize("attachments", [[], [PAGE], [PAGE, SHEET], [SHEET, EMPTY, SHEET]])
@pytest.mark.parametrize("note", ["", "The report is attached."])
@pytest.mark.parametrize("to", ["jo@example.com", "jö@example.com"])
def test_a_body_written_once_is_the_same_mail_for_each(
    to: str, note: str, attachments: list[Attachment]
) -> None:
    body = body_of(MAIL, attachments, note=note)
    for who in (envelope(recipient=to), envelope(recipient=f"other-{to}", subject="Ümsatz", revision=3)):
        assert body.to(who) == bytes_of(message_of(MAIL, who, attachments, note=note))


def test_the_same_mail_is_the_same_bytes_and_another_has_other_boundaries() -> None:
    once, again = (bytes_of(message_of(MAIL, ENVELOPE, [PAGE])) for _ in range(2))
    assert once == again
    other = Attachment(PAGE.name, PAGE.content + b"x", PAGE.content_type)
    boundaries = {
        parsed(bytes_of(message_of(MAIL, ENVELOPE, [each]))).get_boundary() for each in (PAGE, other, PAGE)
    }
    assert len(boundaries) == 2


def decoded(header: str) -> str:
    return str(make_header(decode_header(header)))


NAMES = (
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "List-Id",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
)


@settings(max_examples=60)
@given(
    subject=st.text(max_size=300),
    name=st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp")), max_size=60),
    list_id=st.text(max_size=200),
)
def test_no_text_begins_another_header_and_all_can_be_read_back(
    subject: str, name: str, list_id: str
) -> None:
    made = envelope(subject=subject, sender_name=name, list_id=list_id, reply_to=None)
    content = bytes_of(message_of(MAIL, made))
    head = content.partition(b"\r\n\r\n")[0]
    assert head.isascii() and max(map(len, head.split(b"\r\n"))) <= 998
    assert b"\n" not in head.replace(b"\r\n", b"") and b"\r" not in head.replace(b"\r\n", b"")
    message = parsed(content)
    assert tuple(message.keys())[: len(NAMES)] == NAMES and len(message.keys()) == len(NAMES) + 2
    # By the library's other reader: the newer one puts in blanks of its own.
    read = email.message_from_bytes(content)
    assert decoded(read["Subject"]) == one_line(subject.replace("=?", "= ?"), 200)
    said, address = parseaddr(read["From"])
    assert (decoded(said), address) == (one_line(name.replace("=?", "= ?")), "reports@example.com")
    assert str(message["List-Id"]).startswith("<") and len(str(message["List-Id"])) <= 66


@pytest.mark.parametrize("sign", ["\r\n", "\n", "\0", "\x1b", "\u202e", "\u2066", "\u2028", "\x85"])
def test_signs_that_turn_or_hide_text_are_left_out(sign: str) -> None:
    made = envelope(subject=f"West{sign}Bcc: all@example.com", sender_name=f"Sales{sign}X: y")
    message = parsed(bytes_of(message_of(MAIL, made)))
    assert str(message["Subject"]) == "West Bcc: all@example.com" and "Bcc" not in message
    assert message["From"].addresses[0].display_name == "Sales X: y"


CODED = [
    "=?utf-8?q?a=0D=0ABcc=3A_all=40example=2Ecom?=",
    "West =?utf-8?b?DQpCY2M6IHg=?=",
    "=?utf-8?q?=E2=80=AEx?=",
]


@pytest.mark.parametrize("text", CODED)
@pytest.mark.parametrize("place", ["subject", "sender_name", "message_id"])
def test_a_name_in_another_code_is_not_decoded_into_a_header(place: str, text: str) -> None:
    content = bytes_of(message_of(MAIL, envelope(**{place: text})))
    message = parsed(content)
    assert message.keys() == parsed(bytes_of(message_of(MAIL, ENVELOPE))).keys()
    assert "\u202e".encode() not in content and "Bcc" not in message


@pytest.mark.parametrize(
    "address",
    [
        "=?utf-8?q?a=0D=0ABcc=3A_x?=@example.com", "jo@=?utf-8?q?a=0D=0ABcc=3A_x?=", "jo@example.com\r\nBcc: x@y.example",
        "jo@example.com\n", "a@b@example.com", "jo", "@", "jo@", "", "jo @example.com", "jo\u202e@example.com",
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["sender", "recipient"])
def test_what_is_no_address_is_written_to_by_nobody(place: str, address: str) -> None:
    with pytest.raises(RunError, match="no address"):
        envelope(**{place: address})


def test_a_header_that_breaks_its_line_all_the_same_goes_nowhere() -> None:
    message = message_of(MAIL, ENVELOPE)
    message["X-Team"] = "=?utf-8?q?a=0D=0ABcc=3A_x?="
    try:
        content = bytes_of(message)
    except RunError:
        return
    # Python from 3.11.10 on writes such a line end in its code.
    assert "Bcc" not in parsed(content)


@pytest.mark.parametrize("place", ["sender", "recipient", "reply_to"])
def test_a_domain_with_other_letters_is_written_without_them(place: str) -> None:
    content = bytes_of(message_of(MAIL, envelope(**{place: "jo@exämple.com"}, subject="Größe")))
    assert content.isascii() and b"jo@xn--exmple-cua.com" in content


@pytest.mark.parametrize("address", ["jö@example.com", "jö@exämple.com"])
@pytest.mark.parametrize("place", ["sender", "recipient", "reply_to"])
def test_an_address_with_other_letters_is_written_in_them(place: str, address: str) -> None:
    content = bytes_of(message_of(MAIL, envelope(**{place: address}, subject="Größe")))
    assert address.encode() in content and "Subject: Größe".encode() in content
    name = {"sender": "From", "recipient": "To", "reply_to": "Reply-To"}[place]
    # The library's parser keeps such bytes aside, one by one.
    read = parsed(content)[name].addresses[0].addr_spec.encode("utf-8", "surrogateescape")
    assert read.decode() == address
    assert bytes_of(message_of(MAIL, ENVELOPE)).isascii()


def test_a_subject_is_cut_where_no_list_shows_it() -> None:
    assert len(str(parsed(bytes_of(message_of(MAIL, envelope(subject="ü" * 999))))["Subject"])) == 200


def test_a_date_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        envelope(date=dt.datetime(2030, 1, 7))


@given(key=st.lists(st.text(max_size=8), max_size=5), other=st.lists(st.text(max_size=8), max_size=5))
def test_a_message_id_is_as_different_as_its_key(key: list[str], other: list[str]) -> None:
    one = message_id_of(*key, domain="example.com")
    assert one == message_id_of(*key, domain="example.com")
    assert (one == message_id_of(*other, domain="example.com")) == (key == other)


def test_a_message_id_is_one_word_whatever_the_key() -> None:
    made = message_id_of("team\r\n", 2, None, "\ud800", domain="mail.example.com")
    assert (
        made.startswith("<") and made.endswith("@mail.example.com>") and made.isascii() and made.isprintable()
    )
    assert len(made) == 32 + len("<@mail.example.com>")
    assert message_id_of("a", domain="exämple.com").isascii()
    long = envelope(message_id=message_id_of("a", domain="sub." * 20 + "example.com"))
    assert str(parsed(bytes_of(message_of(MAIL, long)))["Message-ID"]) == long.message_id


# The note beneath

NOTE = "The report is too large for a mail; it stands at https://reports.example.com/sales/west.html?a=1&b=2."
LINK = "https://reports.example.com/sales/west.html?a=1&b=2"


def test_a_note_stands_beneath_both_bodies_and_keeps_every_rule_of_mails() -> None:
    mail, _ = mail_of(report(), Facts(team_name="West", period_title="Q4 2017", currency="USD"))
    message = message_of(mail, ENVELOPE, note=NOTE)
    for name in ("From", "To"):
        del message[name]
    content = bytes_of(message)
    assert broken(content, link=LINK) == []
    text, html = parsed(content).get_body(("plain",)), parsed(content).get_body(("html",))
    assert text is not None and html is not None
    assert words(text.get_content()).endswith(words(NOTE))
    assert words(Read(html.get_content()).text).endswith(f"{LINK} .")
    assert html.get_content().count("</body>") == 1


@pytest.mark.parametrize(
    "note",
    [
        "<script>alert(1)</script>",
        "</body>",
        'https://x.example/"onclick="alert(1)',
        "javascript:alert(1)",
        "a\nb\u202ec",
    ],
)
def test_a_note_is_words_and_never_more(note: str) -> None:
    message = parsed(bytes_of(message_of(MAIL, ENVELOPE, note=note)))
    html, text = message.get_body(("html",)), message.get_body(("plain",))
    assert html is not None and text is not None
    added = html.get_content().partition("<p>Größe</p>")[2]
    assert (
        "<script" not in added and "javascript:" not in added.partition("<p")[0] and ' onclick="' not in added
    )
    assert added.count("</body>") == 1
    assert text.get_content().rstrip().endswith(one_line(note))


def test_a_note_finds_its_place_where_the_html_has_no_end() -> None:
    bare = Mail("s", "<p>One</p>", "One")
    assert "Attached" in str(message_of(bare, ENVELOPE, note="Attached").get_body(("html",)))


# Speed


def seconds(make: Callable[[], object]) -> float:
    begun = time.process_time()
    make()
    return time.process_time() - begun


def test_a_mail_to_many_is_written_once(capsys: pytest.CaptureFixture[str]) -> None:
    large = Attachment("west.html", os.urandom(300_000), "text/html")
    to = [envelope(recipient=f"jo-{number}@example.com") for number in range(200)]
    body = body_of(MAIL, [large])
    one = min(seconds(lambda: bytes_of(message_of(MAIL, to[0], [large]))) for _ in range(5))
    many = min(seconds(lambda each=each: body.to(each)) for each in to)
    with capsys.disabled():
        print(
            f"\na message with 300 KB attached: {1e3 * one:.1f} ms alone, {1e3 * many:.2f} ms of a body written once"
        )
    assert many < one / 3
