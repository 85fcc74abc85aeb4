"""A report's mail, written when it is sent: of the executed notebook on the shelf, as it was shown to the page's readers."""

from __future__ import annotations

from dataclasses import replace

from spm_lib.errors import RunError, one_line
from spm_lib.press.notebook import read_notebook
from spm_lib.press.render.eml import Mail
from spm_lib.press.render.facts import facts_of
from spm_lib.press.render.mail import mail_of
from spm_lib.press.shelf import Shelved


def report_mail(run: Shelved, *, link: str = "") -> tuple[Mail, tuple[str, ...]]:
    """Write the mail of a report on the shelf.

    Parameters
    ----------
    run
        The report; one that failed or is held has no mail.
    link
        Address of its page, for a button at the end; http or https.

    Returns
    -------
    tuple
        The mail, and notes on what was left out of it.

    Raises
    ------
    RunError
        Where the report has no page, its notebook is gone or damaged, or no mail can be made of it.
    """
    record = run.record
    if record.status != "done" or not run.html.is_file():
        raise RunError("there is no page to send", where=str(run.html), mend="Make the report again: spm run")
    book = read_notebook(run.ipynb)
    facts = replace(
        facts_of(book),
        team_name=one_line(record.name, 200),
        period_title=record.period_title,
        as_of=record.as_of,
        data_date=record.data_date,
        source=record.source,
        warnings=record.notices,
    )
    return mail_of(book, facts, link=link)
