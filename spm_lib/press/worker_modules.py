"""What every worker needs, imported once: workers are forked from a process that has done it.

Papermill, nbformat and nbconvert take over a second to import; the process that plans does without them.
"""

from __future__ import annotations

import importlib
import sys

# It checks addresses of a kind that no notebook has, and takes longer to import than all the rest: jsonschema does without
# where it is not there.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
make = importlib.import_module("spm_lib.press.make")
