"""The demo company as a source of files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from spm_lib.data.schema import TABLES
from spm_lib.data.sources.spec import Source, TableSpec


def demo_source(source: Source, scratch: Path) -> tuple[Source, Path]:
    """Write the demo company's exports into `scratch`.

    Parameters
    ----------
    source
        A source of kind ``demo``.
    scratch
        A folder that may be written.

    Returns
    -------
    source, folder
        The same source with every canonical table as a file of the folder.
    """
    # Imported late: a company that never asks for the demo need not load the generator.
    from spm_lib.data.sources.demo import GO_LIVE, generate

    folder = scratch / "demo"
    folder.mkdir()
    generate(folder, seed=source.spec.seed, scale=source.spec.scale)
    tables = {name: TableSpec.model_validate({"from": f"{name}.csv"}) for name in TABLES}
    fields = tuple(c for c in TABLES["deals"].names if c not in ("deal_id", "removed_on"))
    tables["deal_changes"] = tables["deal_changes"].model_copy(
        update={"recorded_from": GO_LIVE, "recorded_fields": fields}
    )
    spec = source.spec.model_copy(update={"tables": tables})
    return Source(replace(source.document, model=spec)), folder
