"""slack-export-viewer's load: the archive unpacked to disk, every conversation made, no server started.

TMPDIR=FOLDER python slack_viewer_load.py EXPORT.zip   (with the Python that has slack-export-viewer)
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import types
from pathlib import Path

from slackviewer.reader import Reader


class _Config(types.SimpleNamespace):
    """What its command line would give: nothing but the archive."""

    def __getattr__(self, name: str) -> None:
        return None


def main() -> None:
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        reader = Reader(_Config(archive=sys.argv[1], hide_channels=[]))
        everything = [
            reader.compile_channels(),
            reader.compile_groups(),
            reader.compile_dm_messages(),
            reader.compile_mpim_messages(),
        ]
    messages = sum(len(messages) for channels in everything for messages in channels.values())
    print(json.dumps({"messages": messages}))


if __name__ == "__main__":
    main()
