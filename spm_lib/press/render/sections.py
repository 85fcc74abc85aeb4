"""A page's blocks in order: what opens it, and sections of a name, a finding and what shows it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from markupsafe import Markup

from spm_lib.press.render.blocks import Block
from spm_lib.press.slugs import slug

#: Ids that the page itself uses.
_RESERVED = ("main", "contents", "contents-name", "about", "about-name")

_NOTHING = Markup("")

_HEADING = re.compile(r"<h2\b[^>]*>(.*?)</h2>", re.DOTALL)
_FIGURE = re.compile(r'\s*<figure class="spm spm-figure"')
_WORDS = re.compile(r'\s*<p class="spm spm-(?:reading|note)"')
_GRID = re.compile(r'\s*<div class="spm spm-grid">(.*)</div>', re.DOTALL)
_ONE = re.compile(r'<figure class="spm spm-figure">.*?</figure>', re.DOTALL)
_MESSAGE = re.compile(r'<span class="spm-message">(.*?)</span>', re.DOTALL)


@dataclass(frozen=True)
class Panel:
    """Blocks that stay together.

    Parameters
    ----------
    blocks
        A figure with its code and the words that follow it, or any other block.
    figure
        Whether it is a figure.
    finding
        The figure's message, which heads the panel.
    group
        Figures of one number were drawn to stand side by side, on one scale; 0 for those that were not.
    """

    blocks: tuple[Block, ...]
    figure: bool = False
    finding: Markup = _NOTHING
    group: int = 0


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Parameters
    ----------
    slug
        What links to it end with; the same on every run.
    name
        What it is about, in the author's words.
    finding
        What it found, where a heading or its one figure says so.
    opening
        A figure that shows the finding, and stands beside it where there is room.
    panels
        What else it shows.
    """

    slug: str
    name: str
    finding: Markup
    opening: Panel | None
    panels: tuple[Panel, ...]

    @property
    def narrow(self) -> bool:
        """Whether one figure is all it shows."""
        return self.opening is not None and not self.panels

    @property
    def runs(self) -> list[tuple[bool, list[Panel]]]:
        """Panels that stand side by side, and those that take the page's width."""
        return _runs(self.panels)


@dataclass(frozen=True)
class Outline:
    """A page in order.

    Parameters
    ----------
    summary
        The sentence under the title.
    lead
        What stands before the first section: key figures first.
    rows
        The sections; two narrow ones that follow each other share a row.
    """

    summary: Markup
    lead: tuple[Block, ...]
    rows: tuple[tuple[Section, ...], ...]

    @property
    def sections(self) -> list[Section]:
        """All sections in order."""
        return [section for row in self.rows for section in row]


@dataclass
class _Draft:
    name: Markup | None = None
    finding: Markup | None = None
    blocks: list[Block] = field(default_factory=list)


def outline(blocks: Sequence[Block], *, headline: str = "") -> Outline:
    """Put the blocks of a page in order.

    Parameters
    ----------
    blocks
        See `spm_lib.press.render.blocks.body_of`.
    headline
        What heads the page; where the notebook shows it too, once is enough. Without one, the lead keeps the
        notebook's order.
    """
    lead, *drafts = _drafts(block for block in blocks if not (headline and block.is_heading(headline)))
    opening = lead.blocks
    summary = _NOTHING
    if headline:
        said = [block for block in opening if block.kind == "output" and _WORDS.match(block.html)]
        if said:
            summary = said[0].html
            opening = [block for block in opening if block is not said[0]]
        # How to read the page comes after what it says.
        opening.sort(key=lambda block: block.kind == "text")
    taken: set[str] = set(_RESERVED) | _ids(blocks)
    made = [_section(draft, number, taken) for number, draft in enumerate(drafts, start=1)]
    return Outline(summary, tuple(opening), tuple(_rows(made)))


def _drafts(blocks: Iterable[Block]) -> list[_Draft]:
    found = [_Draft()]
    for block in blocks:
        last = found[-1]
        if block.kind == "text":
            before, *rest = _HEADING.split(block.html)
            _keep(last, block, before)
            for name, after in zip(rest[::2], rest[1::2], strict=True):
                found.append(_Draft(name=Markup(name)))
                _keep(found[-1], block, after)
        elif block.kind == "output" and block.heading is not None and block.html.startswith("<h2"):
            shown = [each for each in last.blocks if each.kind != "code"]
            if last.name is not None and last.finding is None and not shown:
                last.finding = block.heading
            else:
                found.append(_Draft(finding=block.heading))
        else:
            last.blocks.append(block)
    return found


def _keep(draft: _Draft, block: Block, html: str) -> None:
    if html.strip():
        draft.blocks.append(replace(block, html=Markup(html)))


def _section(draft: _Draft, number: int, taken: set[str]) -> Section:
    panels = [_headed(panel) for panel in _panels(draft.blocks)]
    finding = draft.finding
    said = [panel for panel in panels if panel.finding]
    if finding is None and len(said) == 1:
        # Its one figure's message is what the section found: said once, and large.
        finding = said[0].finding
        panels = [replace(panel, finding=_NOTHING) for panel in panels]
    name = draft.name.striptags() if draft.name is not None else ""
    base = slug(name or (finding.striptags() if finding else "")) or f"section-{number}"
    own, again = base, 2
    # The heading's own id must be free too: the page labels the section by it.
    while taken & {own, f"{own}-name"}:
        own, again = f"{base}-{again}", again + 1
    taken |= {own, f"{own}-name"}
    opening = panels.pop(0) if finding and _opens(panels) else None
    return Section(own, name, finding or _NOTHING, opening, tuple(panels))


def _opens(panels: Sequence[Panel]) -> bool:
    """Tell whether the first panel shows the section's finding: a figure without one of its own, or it alone."""
    if not (panels and panels[0].figure) or panels[0].finding:
        return False
    beside = _runs(panels)[0][1]
    return len(beside) % 2 == 1 or any(panel.finding for panel in beside)


def _runs(panels: Sequence[Panel]) -> list[tuple[bool, list[Panel]]]:
    found: list[tuple[bool, list[Panel]]] = []
    for panel in panels:
        before = found[-1][1][-1] if found else None
        if before and (before.figure, before.group) == (panel.figure, panel.group):
            found[-1][1].append(panel)
        else:
            found.append((panel.figure, [panel]))
    return found


def _headed(panel: Panel) -> Panel:
    """Take a figure's message out of it: as a heading it can be jumped to."""
    messages = [found[1] for block in panel.blocks if (found := _MESSAGE.search(block.html))]
    if not panel.figure or len(messages) != 1:
        return panel
    blocks = tuple(replace(block, html=Markup(_MESSAGE.sub("", block.html))) for block in panel.blocks)
    return replace(panel, blocks=blocks, finding=Markup(messages[0]))


def _panels(blocks: Sequence[Block]) -> list[Panel]:
    found: list[Panel] = []
    waiting: list[Block] = []  # code whose output is still to come
    for group, block in _split(blocks):
        if block.kind == "code":
            waiting.append(block)
            continue
        figure = block.kind == "output" and _FIGURE.match(block.html) is not None
        words = block.kind == "output" and _WORDS.match(block.html) is not None
        if words and found and found[-1].figure:
            found[-1] = replace(found[-1], blocks=(*found[-1].blocks, *waiting, block))
        else:
            found.append(Panel((*waiting, block), figure, group=group))
        waiting = []
    if waiting:
        found.append(Panel(tuple(waiting)))
    return found


def _split(blocks: Sequence[Block]) -> Iterator[tuple[int, Block]]:
    """Take figures with messages out of the grid that they were put in; each becomes a panel of its own."""
    for number, block in enumerate(blocks, start=1):
        grid = _GRID.fullmatch(block.html) if block.kind == "output" else None
        figures = _ONE.findall(grid[1]) if grid else []
        if grid is None or not all(map(_MESSAGE.search, figures)) or _ONE.sub("", grid[1]).strip():
            yield 0, block
            continue
        for figure in figures:
            yield number if len(figures) > 1 else 0, replace(block, html=Markup(figure))


def _rows(sections: Sequence[Section]) -> Iterable[tuple[Section, ...]]:
    at = 0
    while at < len(sections):
        pair = tuple(sections[at : at + 2])
        width = 2 if len(pair) == 2 and all(section.narrow for section in pair) else 1
        yield tuple(sections[at : at + width])
        at += width


def _ids(blocks: Iterable[Block]) -> set[str]:
    """Give the ids that outputs have, so that no section's link leads to one of them."""
    return {found for block in blocks for found in re.findall(r'\bid="([^"]*)"', block.html)}
