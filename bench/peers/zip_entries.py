"""The standard library alone: every entry of a zip read, and with --json parsed and its messages counted.

python -m bench.peers.zip_entries EXPORT.zip [--json]
"""

from __future__ import annotations

import json
import re
import sys
import zipfile


def main() -> None:
    parse = "--json" in sys.argv
    day_file = re.compile(r"/\d{4}-\d\d-\d\d\.json$").search
    messages = reactions = size = 0
    with zipfile.ZipFile(sys.argv[1]) as archive:
        for entry in archive.infolist():
            data = archive.read(entry)
            size += len(data)
            if parse and data and (found := json.loads(data)) and day_file(entry.filename):
                messages += len(found)
                reactions += sum(len(one["users"]) for message in found for one in message.get("reactions", ()))
    print(json.dumps({"bytes": size} | ({"messages": messages, "reactions": reactions} if parse else {})))


if __name__ == "__main__":
    main()
