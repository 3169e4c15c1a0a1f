"""What the sandboxed child runs: `python -m douane.child`, started by name by
`jobs/children.py`, never imported by it.

The order comes as one JSON line on stdin; what happens goes out as JSON lines on stdout (for the streaming verbs,
stdout is the payload itself). `douane/line/` has the form of every verb and event; `sheet.py` here does the verbs of
`line/sheet.py`, under the names of their tags (`sheet_inspect.py` that of `douane check`, `sheet_workbook.py` those of
workbooks that are mended). `images.py` does that of `line/images.py`.

Those for chat exports begin with `chat_` and are listed in `chat.py`, the command line's in `chat_inspect.py` and
`chat_convert.py`. One module a family: `sheet.py`, `chat.py`.

Every verb may end with a `Failure` and status 1. Files in events are names within the child's folder.
"""
