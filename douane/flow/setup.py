"""The first start of an installation: its first person, a sample project and a sample template to try things on."""

from __future__ import annotations

import secrets as random_source
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from douane.errors import Conflict
from douane.flow import audit, identity, templates
from douane.flow.house import House
from douane.store import installation, keys, people, projects
from douane.store import templates as stored_templates
from douane.store.database import read, write

USERNAME = "admin"
EMAIL = "admin@example.com"
PROJECT = "Sample project"
TEMPLATE = "People"
_MARK = "initialised"

# In the form of a template file; `douane/ui/sample/people.csv` is made for it.
COLUMNS: Sequence[dict[str, Any]] = (
    {
        "key": "id",
        "name": "Customer ID",
        "isRequired": True,
        "isUnique": True,
        "alternateKeys": ["customer no", "number"],
        "validations": [{"validate": "length", "min": 3, "max": 8}],
    },
    {"key": "name", "name": "Name", "isRequired": True, "alternateKeys": ["full name"]},
    {
        "key": "email",
        "name": "E-mail",
        "type": "Email",
        "isRequired": True,
        "isUnique": True,
        "alternateKeys": ["mail"],
    },
    {"key": "joined", "name": "Joined on", "type": "Date", "dateFormats": ["YYYY-MM-DD", "DD/MM/YYYY"]},
    {
        "key": "age",
        "name": "Age",
        "type": "Number",
        "validations": [{"validate": "range", "min": 0, "max": 130}],
    },
    {"key": "balance", "name": "Balance", "type": "Double"},
    {
        "key": "country",
        "name": "Country",
        "type": "Select",
        "isRequired": True,
        "selectValues": [
            "Austria",
            "Brazil",
            "France",
            "Germany",
            "India",
            "Japan",
            "Kenya",
            "Peru",
            "Spain",
            "United Kingdom",
        ],
    },
    {
        "key": "phone",
        "name": "Phone",
        "type": "Regex",
        "regex": r"^\+\d{6,15}$",
        "regexDescription": "a plus sign, then 6 to 15 digits",
    },
    {
        "key": "interests",
        "name": "Interests",
        "type": "Select",
        "allowMultiSelect": True,
        "delimiter": ";",
        "selectValues": ["books", "films", "music", "sport", "travel"],
    },
)


@dataclass(frozen=True, slots=True)
class Installation:
    """What a person needs to begin. `password` and `access_key` are nowhere else in clear."""

    project_id: str
    access_key: str
    template_id: str
    template_name: str
    username: str
    email: str
    password: str


def initialise(house: House) -> Installation | None:
    """Makes all of it in one transaction. None if it was done before, also when two processes try at once."""
    with read(house.engine) as connection:
        if installation.value(connection, _MARK) is not None:
            return None
    secrets = identity.unlock(house)
    password = random_source.token_urlsafe(12)
    password_hash = identity.hash_password(house.settings, password)
    key = random_source.token_hex(16)
    items = templates.in_sequence(COLUMNS)
    try:
        with write(house.engine) as connection:
            # First, so that a second process waits here and is refused.
            installation.add(connection, _MARK, "1")
            person = people.add(connection, email=EMAIL, username=USERNAME, password_hash=password_hash)
            project = projects.add(connection, name=PROJECT, owner_id=person.id)
            keys.add(
                connection,
                project_id=project.id,
                key_hash=secrets.hash(key),
                key_encrypted=secrets.encrypt(key, project.id),
            )
            template = stored_templates.add(
                connection, project_id=project.id, name=TEMPLATE, document={"mode": "manual"}
            )
            stored_templates.add_columns(connection, template.id, items)
    except Conflict:
        return None
    audit.note(house, "person.add", person=person.email)
    audit.note(house, "project.add", project_id=project.id, name=project.name)
    return Installation(project.id, key, template.id, template.name, person.username, person.email, password)
