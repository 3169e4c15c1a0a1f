"""What `douane chat` shows a person. As in `screen.py`, a stranger's text never reaches the terminal as it came."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from douane.cli.screen import plain

CHANNELS_SHOWN = 20
SENTENCES_SHOWN = 5  # of one kind
FACTS = {
    "entries": ("entry", "entries"),
    "conversations": ("conversation", "conversations"),
    "days": ("message file", "message files"),
}
TABLES = {
    "users": "Users",
    "channels": "Conversations",
    "members": "Memberships",
    "messages": "Messages",
    "reactions": "Reactions",
    "files": "Files",
    "mentions": "Mentions",
    "edits": "Edits and deletions",
    "emoji": "Custom emoji",
    "contacts": "Contacts",
}


def show_overview(console: Console, name: str, overview: Mapping[str, Any]) -> None:
    """What the directory alone tells."""
    counts = overview["counts"]
    facts = [f"{counts[key]:,} {word[counts[key] != 1]}" for key, word in FACTS.items() if counts.get(key)]
    if "bytes" in counts:
        facts.append(f"{size(counts['bytes'])} unpacked")
    console.print(Text(plain(name), style="bold"))
    console.print(Text(plain(overview["layout"]) or plain(overview["importer"])))
    console.print(Text(", ".join(facts), style="dim"))
    for note in overview["notes"]:
        console.print(Text(f"Note: {plain(note)}", style="yellow"))
    console.print()


def show_counts(console: Console, counts: Mapping[str, Any]) -> None:
    """Exact counts per table, conversation and year, and the ledger."""
    _show(console, "Contents", {TABLES[key]: counts["tables"].get(key, 0) for key in TABLES})
    channels = {counts["people"].get(name, name): 0 for name in counts["channels"]}
    for name, count in counts["channels"].items():
        channels[counts["people"].get(name, name)] += count
    _show(console, f"Messages by conversation ({len(counts['channels']):,})", _ranked(channels), CHANNELS_SHOWN)
    _show(console, "Messages by year", {year or "no valid time": n for year, n in sorted(counts["years"].items())})
    _show(console, "Messages by kind", _ranked({kind or "ordinary": n for kind, n in counts["subtypes"].items()}))
    _show_ledger(console, counts)


def show_report(console: Console, name: str, overview: Mapping[str, Any], report: Mapping[str, Any], out: Path) -> None:
    """What `douane chat convert` made of an export."""
    show_overview(console, name, overview)
    _show(
        console,
        "Written",
        {TABLES.get(key, key.replace("_", " ").capitalize()): n for key, n in report["kept"].items()},
    )
    for kind, title in (("changed", "Changed on the way"), ("lost", "Not in the result")):
        _show(console, title, {one["says"]: one["count"] for one in report[kind]})
    found = report["found"]
    _show_ledger(console, found)
    console.print(Text.assemble("\nThe files and report.json are in ", (plain(out), "bold"), "."))


def _show_ledger(console: Console, counts: Mapping[str, Any]) -> None:
    """Found = staged + skipped + failed, and why: a sentence of each kind, with the entry it was found in first."""
    entries, reasons = counts["entries"], counts["reasons"]
    for severity, title in (("failed", "Failed"), ("skipped", "Skipped"), ("warning", "Read, with a warning")):
        found = {key.partition(":")[2]: n for key, n in reasons.items() if key.startswith(severity + ":")}
        if not any(found.values()):
            continue
        console.print(Text(title, style="bold"))
        for code, count in _ranked(found).items():
            told = [one for one in counts["issues"] if (one["severity"], one["code"]) == (severity, code)]
            console.print(Text.assemble(f"  {count:,}  ", (plain(code), "dim")))
            for one in told[:SENTENCES_SHOWN]:
                console.print(Text(f"      {_where(one)}{plain(one['message'])}"), soft_wrap=True)
        console.print()
    line = Text.assemble((f"{entries['found']:,} records found", "bold"), " = ")
    line.append(f"{entries['staged']:,} read", style="green")
    line.append(f" + {entries['skipped']:,} skipped + ")
    line.append(f"{entries['failed']:,} failed", style="bold red" if entries["failed"] else "")
    console.print(line)


def _where(issue: Mapping[str, Any]) -> str:
    """The entry an issue was found in, and its place there."""
    if not issue["name"]:
        return ""
    place = "" if issue["position"] is None else f", record {issue['position'] + 1:,}"
    if issue["name"].lower().endswith((".csv", ".txt", ".tsv")):
        place = ""  # its sentences name the line
    return f"{plain(issue['name'])}{place}: "


def _ranked(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _show(console: Console, title: str, rows: Mapping[str, int], most: int = 1000) -> None:
    """Names and numbers; zeros are left out, and what comes after the first `most` is one line."""
    given = [(name, count) for name, count in rows.items() if count]
    if not given:
        return
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
    table.add_column(overflow="fold", max_width=60)
    table.add_column(justify="right", no_wrap=True)
    for name, count in given[:most]:
        table.add_row(Text(plain(name)), f"{count:,}")
    if rest := given[most:]:
        table.add_row(Text(f"{len(rest):,} more", style="dim"), Text(f"{sum(n for _, n in rest):,}", style="dim"))
    console.print(Text(title, style="bold"))
    console.print(table)
    console.print()


def size(count: int) -> str:
    """Bytes in words: `1.5 MB`."""
    value = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return f"{count:,} bytes" if unit == "bytes" else f"{value:,.1f} {unit}"
