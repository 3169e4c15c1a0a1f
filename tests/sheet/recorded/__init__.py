"""What JavaScript answered when it was asked; see README.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

JAVASCRIPT: dict[str, Any] = json.loads(Path(__file__).with_name("javascript.json").read_text())
