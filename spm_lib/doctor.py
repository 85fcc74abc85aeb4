"""What this machine lacks, and how to get it."""

from __future__ import annotations

import datetime as dt
import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from spm_lib.data.store import open_store
from spm_lib.errors import DeliveryError, StoreError
from spm_lib.press.deliver.connection import check_login
from spm_lib.press.deliver.mail_server import URL, MailServer
from spm_lib.settings import Settings

_ROOM = 500_000_000  # bytes: a store and its successor while it is loaded


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `state` is good, missing, or optional."""

    what: str
    state: str
    found: str
    mend: str = ""


def examine(
    settings: Settings, *, now: dt.datetime, environ: Mapping[str, str] | None = None
) -> tuple[Finding, ...]:
    """Look at Python, the packages, the kernel, the places written to, the store, the mail server, and what is optional."""
    return (
        Finding(
            "Python",
            "good" if sys.version_info >= (3, 11) else "missing",
            platform.python_version(),
            "Python 3.11",
        ),
        _packages(),
        _kernel(),
        _place("store", settings.store),
        _place("reports", settings.reports),
        _store(settings, now),
        _mail_server(settings, environ or {}),
        _browser(),
    )


def _packages() -> Finding:
    wanted = [r.split(";")[0] for r in metadata.requires("spm-lib") or () if "extra ==" not in r]
    names = ["".join(c if c.isalnum() or c in "-_." else " " for c in r).split()[0] for r in wanted]
    missing = []
    for name in names:
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return Finding("packages", "missing", ", ".join(missing), "pip install -r requirements.lock")
    return Finding("packages", "good", f"{len(names)} there")


def _kernel() -> Finding:
    if importlib.util.find_spec("ipykernel") is None:
        return Finding("notebook kernel", "missing", "no ipykernel", "pip install ipykernel")
    return Finding("notebook kernel", "good", f"ipykernel {metadata.version('ipykernel')}")


def _place(what: str, path: Path) -> Finding:
    folder = path if path.is_dir() else path.parent
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK):
        return Finding(
            f"place for the {what}", "missing", f"{folder} cannot be written", f"Name another: --{what}"
        )
    free = shutil.disk_usage(folder).free
    if free < _ROOM:
        return Finding(f"place for the {what}", "missing", f"{free // 1_000_000} MB free", "Free some space")
    return Finding(f"place for the {what}", "good", f"{path} ({free // 1_000_000_000} GB free)")


def _store(settings: Settings, now: dt.datetime) -> Finding:
    try:
        with open_store(settings.store) as store:
            meta = store.meta
    except StoreError as error:
        state = "missing" if settings.store.exists() else "optional"
        return Finding("store", state, error.what, error.mend or "spm demo")
    age = (now.date() - meta.last_data_date).days if meta.last_data_date else None
    refused = sum(sum(reasons.values()) for reasons in meta.quarantined.values())
    found = f"{meta.source}: {meta.rows.get('deals', 0):,} deals, data up to {meta.last_data_date}"
    found += f" ({age} days ago)" if age is not None else ""
    return Finding("store", "good", found + (f", {refused:,} rows refused" if refused else ""))


def _mail_server(settings: Settings, environ: Mapping[str, str]) -> Finding:
    """Log in to the mail server, and send nothing."""
    env_file = settings.root / ".env"
    try:
        server = MailServer.from_environment(environ, env_file)
    except DeliveryError as error:
        said = URL in environ or (env_file.is_file() and URL in env_file.read_text("utf-8", "replace"))
        found = f"{error.where}: {error.what}" if error.where else error.what
        return Finding("mail server", "missing" if said else "optional", found, error.mend)
    try:
        return Finding("mail server", "good", check_login(server))
    except DeliveryError as error:
        return Finding("mail server", "missing", f"{server.place}: {error.what}", error.mend)


def _browser() -> Finding:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if shutil.which(name):
            return Finding("browser for looking at reports by test", "good", name)
    return Finding("browser for looking at reports by test", "optional", "none", "apt-get install chromium")
