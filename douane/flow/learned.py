"""What people chose before, proposed again: which heading feeds which column, and which value stands for a text. A
choice holds within its template; for the project's other templates it is a hint. It can be listed and forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from douane.errors import NotFound
from douane.flow import audit
from douane.flow.house import House
from douane.model.operation import Operation
from douane.model.template import Template
from douane.sheet import matching
from douane.sheet.matching import Known
from douane.store import learned, people, templates
from douane.store.database import read, write
from douane.store.learned import Remembered

TEXT_CHARS_MAX = 700  # a longer text is not remembered
AT_ONCE_MAX = 1000  # choices remembered of one mapping


def compared(text: str) -> str:
    return matching.plain(text)


# Headings


def known_headings(house: House, operation: Operation) -> Known:
    """What the project's people chose for headings, by the text as it is compared."""
    with read(house.engine) as connection:
        own = learned.of_template(connection, operation.template_id or "", "heading")
        others = learned.headings_elsewhere(connection, operation.project_id, operation.template_id or "")
    elsewhere: dict[str, str] = {}
    for one in others:
        elsewhere.setdefault(compared(one.text), one.chosen)
    return Known({compared(one.text): one.chosen for one in own}, elsewhere)


@dataclass(frozen=True, slots=True)
class Lessons:
    """What a mapping that a person agreed to teaches: (text as compared, heading, column key) to be remembered, and
    texts whose earlier choice does not hold."""

    remember: tuple[tuple[str, str, str], ...]
    unlearn: tuple[str, ...]


def lessons(template: Template, headings: Sequence[str], chosen: Sequence[int | None], known: Known) -> Lessons:
    """To be found before the transaction: there may be thousands of headings. What is sure by itself needs no
    remembering."""
    sure = {
        column.key: match.at
        for column, match in zip(template.columns, matching.matches(template.columns, headings), strict=True)
        if match is not None and match.sure
    }
    remember: dict[str, tuple[str, str, str]] = {}
    unlearn: dict[str, None] = {}
    fed = {column.key: at for column, at in zip(template.columns, chosen, strict=True)}
    for key, at in fed.items():
        if at is None:
            continue
        text = compared(headings[at])
        if not text or len(headings[at]) > TEXT_CHARS_MAX:
            continue
        if sure.get(key) != at:
            remember.setdefault(text, (text, headings[at], key))
        elif known.own.get(text, key) != key:
            unlearn[text] = None
    # A heading that is there, and that its learned column was not given: it is not wanted any more.
    here = {compared(text) for text in headings}
    given = {key: None if at is None else compared(headings[at]) for key, at in fed.items()}
    for text, key in known.own.items():
        if text in here and text not in remember and key in given and given[key] != text:
            unlearn[text] = None
    return Lessons(tuple(remember.values())[:AT_ONCE_MAX], tuple(unlearn))


def keep_headings(connection: Connection, operation: Operation, taught: Lessons, person_id: str | None) -> None:
    if operation.template_id is None or templates.get(connection, operation.template_id) is None:
        return  # the template was deleted meanwhile
    learned.unlearn(connection, operation.template_id, "heading", (("", text) for text in taught.unlearn))
    learned.remember(
        connection,
        project_id=operation.project_id,
        template_id=operation.template_id,
        kind="heading",
        choices=[("", text, shown, key) for text, shown, key in taught.remember],
        person_id=person_id,
    )


# Values


def known_values(house: House, operation: Operation, key: str) -> dict[str, str]:
    """Text as compared -> what people chose for it in this column."""
    with read(house.engine) as connection:
        found = learned.of_template(connection, operation.template_id or "", "value")
    return {compared(one.text): one.chosen for one in found if one.within == key}


def keep_values(
    house: House, operation: Operation, key: str, instead: Mapping[str, str], person_id: str | None
) -> None:
    choices = [
        (key, compared(text), text, value)
        for text, value in list(instead.items())[:AT_ONCE_MAX]
        if compared(text) and max(len(text), len(value)) <= TEXT_CHARS_MAX
    ]
    with write(house.engine) as connection:
        if operation.template_id is None or templates.get(connection, operation.template_id) is None:
            return
        learned.remember(
            connection,
            project_id=operation.project_id,
            template_id=operation.template_id,
            kind="value",
            choices=choices,
            person_id=person_id,
        )


# Looking it over


def listed(house: House, project_id: str, template_id: str) -> list[tuple[Remembered, str]]:
    """Newest first, each with the name of the person ("": a program). NotFound for another project's template."""
    with read(house.engine) as connection:
        if templates.get(connection, template_id, project_id) is None:
            raise NotFound(f"Template with id {template_id} does not exist")
        found = learned.of_template(connection, template_id)
        names = {}
        for person_id in {one.person_id for one in found if one.person_id is not None}:
            person = people.get(connection, person_id)
            if person is not None:
                names[person_id] = f"{person.first_name} {person.last_name}".strip() or person.email
    return [(one, names.get(one.person_id or "", "")) for one in found]


def forget_text(house: House, template_id: str, key: str, text: str) -> None:
    """What was chosen for, or as, a text of a column: when that text is to be forgotten."""
    wanted = compared(text)
    with write(house.engine) as connection:
        for one in learned.of_template(connection, template_id, "value"):
            if one.within == key and wanted in (compared(one.text), compared(one.chosen)):
                learned.unlearn(connection, template_id, "value", [(key, compared(one.text))])


def forget(house: House, project_id: str, template_id: str, learned_id: str | None = None) -> int:
    """One choice, or (None) all of the template. NotFound where there is none such."""
    with write(house.engine) as connection:
        if templates.get(connection, template_id, project_id) is None:
            raise NotFound(f"Template with id {template_id} does not exist")
        count = learned.forget(connection, project_id, template_id, learned_id)
    if learned_id is not None and count == 0:
        raise NotFound(f"Learned choice with id {learned_id} does not exist")
    audit.note(house, "learned.forget", project_id=project_id, template=template_id, choices=count)
    return count
