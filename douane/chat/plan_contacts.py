"""What a run makes of contacts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from douane.chat.plan_records import (
    NewId,
    Options,
    Said,
    clean,
    ids_of,
    json_object,
    said_before,
)


@dataclass(slots=True)
class Contact:
    id: str
    name: str = ""
    emails: list[str] = field(default_factory=list)
    phones: list[str] = field(default_factory=list)
    manager_id: str | None = None
    custom: dict[str, Any] = field(default_factory=dict)
    operation_id: str | None = None
    as_of_us: int = 0
    new: bool = False
    changed: bool = False


class Contacts:
    def __init__(self, by_import_id: Mapping[str, Contact], said: Said | None = None) -> None:
        self.by_import_id = dict(by_import_id)
        self.import_ids: dict[str, str] = {}
        self.touched: dict[str, Contact] = {}
        self.said: Said = {} if said is None else said


def plan_contact(
    record: Mapping[str, Any], contacts: Contacts, users: Mapping[str, str], options: Options, new_id: NewId
) -> str:
    """Decides one staged contact that was selected; `users`: lower-case username, or import id -> user id."""
    ids = ids_of(record)
    if not any(record.get(name) for name in ("name", "emails", "phones")):
        return "empty"
    contact = next((contacts.by_import_id[one] for one in ids if one in contacts.by_import_id), None)
    if contact is not None and (again := said_before(contacts.said, ids, record)) is not None:
        return again
    contacts.said.update(dict.fromkeys(ids[:1], record))
    new = contact is None
    if contact is None:
        contact = Contact(new_id(), operation_id=options.operation_id, new=True)
    elif not options.update_existing:
        return "exists"
    shown, as_of_us = _contact_facts(contact), contact.as_of_us
    _update_contact(contact, record, users, options)
    updated = shown != _contact_facts(contact)
    contact.changed = updated or as_of_us != contact.as_of_us
    if contact.changed or new:
        contacts.touched[contact.id] = contact
    for import_id in ids:
        if import_id not in contacts.by_import_id:
            contacts.import_ids[import_id] = contact.id
            contacts.by_import_id[import_id] = contact
    return "created" if new else "updated" if updated else "unchanged"


def _update_contact(contact: Contact, record: Mapping[str, Any], users: Mapping[str, str], options: Options) -> None:
    emails = list(dict.fromkeys(clean(one) for one in record.get("emails") or () if clean(one)))
    phones = list(dict.fromkeys(clean(one) for one in record.get("phones") or () if clean(one)))
    manager = clean(record.get("manager"))
    name, manager_id = clean(record.get("name")), users.get(manager) or users.get(manager.lower())
    custom = json_object(record.get("custom"))
    if not options.older_than(contact.as_of_us):
        contact.name, contact.manager_id = name or contact.name, manager_id or contact.manager_id
        contact.emails, contact.phones = emails or contact.emails, phones or contact.phones
        contact.custom = {**contact.custom, **custom}
        contact.as_of_us = options.as_of(contact.as_of_us)
    else:
        contact.name, contact.manager_id = contact.name or name, contact.manager_id or manager_id
        contact.emails, contact.phones = contact.emails or emails, contact.phones or phones
        contact.custom = {**custom, **contact.custom}
    contact.name = contact.name or f"guest-{contact.id[-6:]}"


def _contact_facts(contact: Contact) -> tuple[Any, ...]:
    return (contact.name, contact.emails, contact.phones, contact.manager_id, contact.custom)
