"""The mail body."""

from __future__ import annotations

import re
from collections.abc import Callable
from email import message_from_bytes, policy

import pandas as pd
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output

from spm_lib.errors import ParameterError, RunError
from spm_lib.present import claim, reading, table
from spm_lib.press.render.eml import Mail, from_eml, to_eml, to_message
from spm_lib.press.render.facts import Facts
from spm_lib.press.render.mail import EmailExporter, mail_of

from .books import book, chart, published, report, shown, strip
from .mail_rules import Read, broken, parsed, words
from .render.test_clean import ATTACKS

FACTS = Facts(team_name="West", period_title="Q4 2017", currency="USD", warnings=("Old data",))
#: What people are called.
NAMES = [
    "Weiß & Söhne", "O'Neill <sales>", "شركة النور", "株式会社山田", "מכירות", "👩‍💼 Sales 🚀", "x" * 200, "a b\nc\u202ed",
    "=cmd()", "\x07bell",
]  # fmt: skip


def made(made_of: NotebookNode, facts: Facts = FACTS, **more: str) -> tuple[Mail, bytes, tuple[str, ...]]:
    mail, notes = mail_of(made_of, facts, **more)
    eml = to_eml(mail)
    assert from_eml(eml) == mail, "what was written is not what is read"
    return mail, eml, notes


def test_a_mail_keeps_every_rule() -> None:
    mail, eml, notes = made(report())
    assert broken(eml) == [] and notes == ()
    assert mail.subject == parsed(eml)["Subject"] == "West is behind pace: 38.2% of quota."
    assert len(mail.pictures) == 1 and len(mail.html) < 20_000
    for text in (words(Read(mail.html).text), words(mail.text)):
        for fact in (
            "West · Q4 2017", "West is behind pace: 38.2% of quota.", "Amounts in USD", "Mind: Old data.", "Revenue",
            "$1,000", "▼ −$5,000 on Q3 2017, worse", "n 3 · $1 to $2", "One is behind.", "Quota attainment in % of quota",
            "Ann Lee", "30.0%", "10.0% to 90.0%",
        ):  # fmt: skip
            assert fact in text, fact
        for other in ("What it means", "Every figure has its n.", "Are we on track?"):
            assert other not in text, "no cell of the mail"


def test_the_mail_is_the_same_file_every_time() -> None:
    assert made(report())[1] == made(report())[1]


BAD: list[tuple[str, Callable[[str], str]]] = [
    ("<script>", lambda html: html.replace("</body>", "<script>1</script></body>")),
    ("style display: flex", lambda html: html.replace("<p style=\"", "<p style=\"display:flex;")),
    ("max-width", lambda html: html.replace("<h1 style=\"", "<h1 style=\"max-width:9px;")),
    ("border-radius", lambda html: html.replace("<h1 style=\"", "<h1 style=\"border-radius:9px;")),
    ("padding on p", lambda html: html.replace("<p style=\"", "<p style=\"padding:1px;")),
    ("width 601", lambda html: html.replace('width="600"', 'width="601"')),
    ("without words", lambda html: re.sub(r' alt="[^"]*"', ' alt=""', html)),
    ("numeric width", lambda html: re.sub(r'(<img[^>]*) width="\d+"', r"\1", html)),
    ("too many, missing or not shown", lambda html: html.replace("cid:", "data:image/png;base64,")),
    ("outside the head", lambda html: html.replace("</div>", "</div><style>p{}</style>", 1)),
    ("something needs", lambda html: html.replace("<style>", "<style>p{color:red}")),
    ("more than colours", lambda html: html.replace("<style>", "<style>@media x{p{background:url(x)}}")),
    ("no preheader", lambda html: html.replace("display:none", "color:red")),
    ("#888888 on #FFFFFF", lambda html: html.replace("color:#57606A", "color:#888888")),
    ("in the dark", lambda html: html.replace(".muted, .neutral", ".mute, .neutral")),
    ("bytes of HTML", lambda html: html.replace("</body>", "ü" * 40_000 + "</body>")),
    ("a link to", lambda html: html.replace("</body>", '<a href="https://x.example">x</a></body>')),
    ("td onclick", lambda html: html.replace("<td", "<td onclick='x'", 1)),
    ("a comment", lambda html: html.replace("</body>", "<!-- x --></body>")),
]  # fmt: skip


@pytest.mark.parametrize(("said", "spoil"), BAD)
def test_the_rules_know_a_mail_that_breaks_one(said: str, spoil: Callable[[str], str]) -> None:
    mail = made(report())[0]
    spoilt = spoil(mail.html)
    assert spoilt != mail.html
    assert any(
        said in wrong for wrong in broken(to_eml(Mail(mail.subject, spoilt, mail.text, mail.pictures)))
    )


@pytest.mark.parametrize("name", [*NAMES, *ATTACKS])
def test_no_name_is_ever_more_than_text(name: str) -> None:
    facts = Facts(team_name=name, period_title=name, currency=name, source=name, warnings=(name,))
    frame = pd.DataFrame({"deal": [name], "rep": [name]})
    kpis = [{"metric": "x", "label": name, "text": name, "n": 1, "comparison": {"text": name}}]
    made_of = book(
        f"# {name}",
        shown(strip(name), "email"),
        shown(reading(name), "email"),
        shown(claim(name), "email"),
        shown(chart(name, "Bob", message=name), "email"),
        shown(table(frame, {"deal": name, "rep": "Owner"}, caption=name), "email"),
        new_code_cell("print()", outputs=[new_output("stream", text=name)], metadata={"tags": ["email"]}),
        published(name, kpis),
    )
    mail, eml, _ = made(made_of, facts)
    assert broken(eml) == []
    assert not re.search(r"[\u202a-\u202e\u2066-\u2069\x00-\x08\x7f]", str(parsed(eml)["Subject"]))
    assert "\n" not in parsed(eml)["Subject"]
    assert list(mail.pictures), "the picture is drawn whatever stands in it"


def test_half_a_character_is_no_failure() -> None:
    half = "half \ud800"
    facts = Facts(team_name=half, warnings=(half,), currency=half)
    kpis = [{"metric": "x", "label": half, "text": half, "n": 1}]
    said = new_code_cell("print()", outputs=[new_output("stream", text=half)], metadata={"tags": ["email"]})
    mail, eml, _ = made(book(said, published(half, kpis)), facts)
    assert broken(eml) == [] and "half" in mail.text


@pytest.mark.parametrize(
    ("headline", "team", "first"),
    [
        ("West is behind pace: 38.2% of quota.", "West", "Behind pace: 38.2% of quota."),
        ("West has met 104.1% of quota.", "West", "Met 104.1% of quota."),
        ("Western Europe & the Middle East is ahead: 81%", "Western Europe & the Middle East", "Ahead: 81%"),
        ("West: 38.2% of quota", "West", "38.2% of quota"),
        (
            "A long sentence that comes to its point, $1,000 of revenue, late",
            "West",
            "Revenue $1,000. A long",
        ),
        ("There is nothing to say of this team yet", "West", "Revenue $1,000. There is"),
        ("West", "West", "Revenue $1,000. West"),
        ("Westminster is late: 5 days", "West", "Westminster is late: 5 days"),
    ],
)
def test_the_fact_stands_in_the_first_forty_characters(headline: str, team: str, first: str) -> None:
    mail = made(report(headline), Facts(team_name=team))[0]
    preheader = Read(mail.html).preheader
    assert preheader.startswith(first)
    assert re.search(r"\d", preheader[:40])


def test_without_tagged_cells_the_mail_shows_what_was_published() -> None:
    kpis = [
        {
            "metric": "a",
            "label": "Win rate",
            "text": "63.2%",
            "n": 1200,
            "comparison": {"text": "▲ +4.1 pts"},
        },
        {"metric": "b", "label": "Coverage", "text": "–", "n": None, "comparison": None},
        "no object",
        {"label": 5, "text": "5"},
    ]
    mail, eml, _ = made(book(shown(strip("Not for the mail")), published("On track", kpis)))
    assert broken(eml) == []
    for text in (words(Read(mail.html).text), words(mail.text)):
        assert all(fact in text for fact in ("Win rate", "63.2%", "▲ +4.1 pts", "n 1,200", "Coverage", "–"))
        assert "Not for the mail" not in text


def test_a_notebook_that_says_nothing_still_gives_a_whole_mail() -> None:
    mail, eml, _ = made(book("# Are we on track?", "text"), Facts())
    assert broken(eml) == [] and mail.subject == "Are we on track?" and mail.pictures == {}
    assert made(book(), Facts())[0].subject == "Report"


def test_a_link_is_the_reports_own_or_there_is_none() -> None:
    link = "https://reports.example/west.html?a=1&b=%22"
    mail, eml, _ = made(report(), link=link)
    assert broken(eml, link=link) == [] and Read(mail.html).links == [link] and link in mail.text
    for wrong in (
        "javascript:alert(1)",
        "file:///etc/passwd",
        "//x.example",
        "west.html",
        "https://",
        "https:///x",
    ):
        with pytest.raises(ParameterError, match="no address"):
            mail_of(report(), FACTS, link=wrong)


def test_what_is_too_much_is_left_to_the_report_and_counted() -> None:
    many = pd.DataFrame({f"c{n}": [f"v{row}" for row in range(40)] for n in range(9)})
    charts = [shown(chart(*"ABCDEF", f"Bob {n}", message=f"Finding {n}."), "email") for n in range(10)]
    wide = shown(table(many, {name: name for name in many}, caption="Many"), "email")
    mail, eml, _ = made(book(wide, *charts, published("Late: 1")))
    assert broken(eml) == [] and len(mail.pictures) == 8
    for text in (words(Read(mail.html).text), words(mail.text)):
        assert "In the report: 28 more rows and 3 more columns." in text
        assert "v11" in text and "v12" not in text and "c5" in text and "c6" not in text
        assert all(f"Finding {n}." in text for n in range(10))
        assert text.count("In the report: Quota attainment") == 2


@pytest.mark.parametrize("letters", ["Pipeline ", "売上高 ", "=?=?= "])
def test_a_mail_that_is_too_long_ends_early_and_says_so(letters: str) -> None:
    words_ = [shown(reading(f"{n} " + letters * 60), "email") for n in range(400)]
    mail, eml, notes = made(book(shown(strip("Revenue"), "email"), *words_, published("Late: 1")))
    assert broken(eml) == [] and mail.size <= 80_000
    assert notes == ("the mail was too long: what stands last is in the report alone",)
    assert mail.size > 60_000, "less was left out than needed, and not more"
    for text in (Read(mail.html).text, mail.text):
        assert "$1,000" in text and "The report holds what is not in this mail" in words(text)


def test_heavy_pictures_are_drawn_coarser_or_left_to_the_report() -> None:
    import base64
    import io

    import numpy as np
    from PIL import Image

    noise = np.random.default_rng(1).integers(0, 255, (500, 500, 3), dtype=np.uint8)
    sheet = io.BytesIO()
    Image.fromarray(noise).save(sheet, "png")
    picture = {"image/png": base64.b64encode(sheet.getvalue()).decode()}
    output = new_output("display_data", data=picture, metadata={"image/png": {"alt": "Noise", "width": 300}})
    cells = [new_code_cell("noise()", outputs=[output], metadata={"tags": ["email"]}) for _ in range(3)]
    mail, eml, _ = made(book(*cells, published("Late: 1")))
    assert broken(eml) == [] and len(eml) < 600_000
    assert len(mail.pictures) < 3 and "In the report: Noise" in mail.text


def test_a_drawing_that_cannot_be_drawn_is_words_and_a_note() -> None:
    import base64

    svg = base64.b64encode(
        b'<svg xmlns="http://www.w3.org/2000/svg"><image href="/etc/x.png"/></svg>'
    ).decode()
    html = f'<img alt="A finding" src="data:image/svg+xml;base64,{svg}">'
    cell = new_code_cell(
        "x()", outputs=[new_output("display_data", data={"text/html": html})], metadata={"tags": ["email"]}
    )
    mail, eml, notes = made(book(cell, published("Late: 1")))
    assert broken(eml) == [] and "Picture: A finding" in mail.text
    assert len(notes) == 1 and "outside itself" in notes[0]


def test_a_picture_without_words_fails_the_build_and_the_cell_is_named() -> None:
    output = new_output("display_data", data={"image/png": "iVBORw0KGgo="})
    cell = new_code_cell("plot()", outputs=[output], metadata={"tags": ["email"]})
    with pytest.raises(RunError, match=r"cell 1 \(plot\(\)\): a picture has no text"):
        mail_of(book(cell), FACTS)


def test_the_exporter_gives_one_file_and_the_frozen_value() -> None:
    eml, resources = EmailExporter().from_notebook_node(report(), {"facts": FACTS})
    assert eml == made(report())[1] and resources["output_extension"] == ".eml"
    assert resources["mail"] == made(report())[0] and resources["notes"] == ()
    alone, _ = EmailExporter().from_notebook_node(report())
    assert broken(alone) == [] and b"2017-Q4" in alone


def test_a_draft_is_a_draft() -> None:
    message = to_message(made(report())[0])
    assert message["X-Unsent"] == "1" and not message["Date"] and not message["To"]
    with pytest.raises(RunError, match="no mail body"):
        from_eml(b"Subject: x\r\n\r\nwords")


def test_key_figures_without_cells_say_what_they_are_compared_with_in_the_readers_locale() -> None:
    comparison = {"text": "▲ +4,1 pts", "against": "Q3 <2017>"}
    kpis = [{"metric": "a", "label": "Win rate", "text": "63,2 %", "n": 12_345, "comparison": comparison}]
    mail, eml, _ = made(book(published("On track", kpis)), Facts(locale="de_DE"))
    assert broken(eml) == []
    for text in (words(Read(mail.html).text), words(mail.text)):
        assert "▲ +4,1 pts on Q3 <2017>" in text and "n 12.345" in text


def test_every_table_of_data_says_what_it_holds() -> None:
    mail, *_ = made(report())
    tables = re.findall(r"<table(?![^>]*role=\"presentation\")[^>]*>(.*?)<tr", mail.html, re.DOTALL)
    assert len(tables) == 2
    assert all(re.match(r"\s*<caption[^>]*>[^<]+</caption>", table) for table in tables)


def test_a_headline_begins_no_header_of_its_own() -> None:
    coded = "=?utf-8?q?a=0D=0ABcc=3A_all=40example=2Ecom?="
    content = to_eml(Mail(f"West {coded}", "<p>a</p>", "a"))
    assert b"\r\nBcc:" not in content.partition(b"\r\n\r\n")[0]
    assert "Bcc" not in message_from_bytes(content, policy=policy.default)
