"""Papermill's keeper of a notebook that is executed, for a notebook that is written once."""

from __future__ import annotations

from typing import Any

from papermill.engines import NotebookExecutionManager


class Keeper(NotebookExecutionManager):  # type: ignore[misc]
    """Notes each cell's times and state as Papermill does, and writes the file only when it is told to."""

    def save(self, **_: Any) -> None:
        """Do nothing: Papermill itself writes the notebook at the end."""

    def autosave_cell(self) -> None:
        """Do nothing."""

    def write(self) -> None:
        """Write the notebook as it is, where it has a file."""
        super().save()
