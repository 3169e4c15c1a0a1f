"""What the sandboxed child runs: `python -m douane.child`, started by name by
`jobs/children.py`, never imported by it.

The spec comes as one JSON line on stdin; what happens goes out as JSON lines on stdout (for the streaming verbs, stdout
is the payload itself). Verbs, by `spec["do"]`:

    explain   source_fd, options                                   -> detected (with `rows`, `blank`, `records`: 15)
    rows      source_fd, options, format (ndjson | csv)            -> payload on stdout: every record as text
    sheets    source_fd, options                                   -> sheets {names}
    read      source_fd, options, start                            -> detected, part*, read
    check     parts, template, headings, chosen, data_start, seed  -> mask*, packed*, checked
    recheck   the same, with previous, cells, changed              -> part?, mask*, checked
    inspect   source_fd, options, template, mapping, stage, report -> detected, mapping, progress*, inspected {summary}
              (reading and checking fused per batch: `douane check`; `stage` keeps the staged table in the folder,
              `report` writes valid.csv, invalid.csv and problems.ndjson there)
    encode    parts, template, headings, chosen, view, format ...  -> payload on stdout

Those for chat exports begin with `chat_` and are listed in `chat.py`, the command line's in `chat_inspect.py` and
`chat_convert.py`. One module a family: `sheet.py`, `chat.py`.

Every verb may emit {"event": "error", "code", "message", "setting"?} and then end with status 1. Progress:
{"event": "progress", "step", "done", "total", "unit", "rows"}. Files in events are names within the child's folder.
"""
