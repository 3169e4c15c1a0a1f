"""Users, the accounts that stand for authors whom nobody imported, and contacts, as a run writes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl
from sqlalchemy import Connection

from douane.chat import plan
from douane.chat.plan import Contact, Contacts, People, Said, User
from douane.flow.chat.run_batches import BATCH, StagedTable, decide_table
from douane.flow.chat.run_job import Job, Record, chosen_channels, contact_chosen, direct_members
from douane.store import chat, operations
from douane.store.database import database_now, write
from douane.store.database import read as reading
from douane.store.ids import new_id


def users_step(job: Job) -> bool:
    needed = frozenset() if job.options.users_only or job.strict else needed_authors(job)

    def decide(connection: Connection, records: list[Record], said: Said) -> list[str]:
        found: list[str] = []
        people = people_of(job, connection, records, said)
        for record in records:
            if record.get("origin") == "inferred":
                wanted = record["id"] in needed
                code = plan.plan_inferred(record, people, wanted, job.strict, job.options, new_id)
            elif not job.selection.user(record["id"]):
                code = "not_selected"
            else:
                code = plan.plan_user(record, people, job.options, new_id)
            found.append(code)
        write_people(job, connection, people)
        return found

    return decide_table(job, StagedTable("users", "users", decide))


def people_of(job: Job, connection: Connection, records: Sequence[Record], said: Said | None = None) -> People:
    """Everybody that the records may be about."""
    ids, addresses, keys = [], [], []
    for record in records:
        ids += plan.ids_of(record)
        addresses += plan.addresses_of(record)
        username = plan.username_of(record)
        if username is not None:
            keys.append(username.lower())
    project_id = job.project_id
    rows, by_import_id, by_address, by_username = chat.users_known(connection, project_id, ids, addresses, keys)
    ids_of = chat.import_ids_of(connection, project_id, "user", rows)
    users = {id: _user(row, ids_of.get(id, ())) for id, row in rows.items()}

    def of(found: Mapping[str, str]) -> dict[str, User]:
        return {key: users[id] for key, id in found.items() if id in users}

    return People(
        of(by_import_id),
        of(by_address),
        of(by_username),
        lambda key: chat.user_id_by(connection, project_id, username_key=key) is not None,
        job.numbers,
        lambda one: one in job.ids("users"),
        said,
    )


def _user(row: Mapping[str, Any], ids: Iterable[str]) -> User:
    return User(
        row["id"],
        row["username"],
        row["name"],
        row["type"],
        list(row["roles"] or ()),
        {one["address"]: bool(one.get("verified")) for one in row["emails"] or ()},
        row["active"],
        row["placeholder"],
        row["person_id"],
        row["operation_id"],
        row["pending_avatar"],
        dict(row["document"] or {}),
        row["as_of_us"] or 0,
        row["account"],
        set(ids),
    )


def write_people(job: Job, connection: Connection, people: People) -> None:
    now = database_now(connection)
    new, changed = [], []
    addresses: dict[str, list[str]] = {}
    for user in people.touched.values():
        if not user.changed:
            continue
        row: dict[str, Any] = {
            "id": user.id,
            "name": user.name,
            "type": user.type if user.type in ("user", "bot") else "user",
            "roles": user.roles,
            "emails": [{"address": address, "verified": verified} for address, verified in user.emails.items()],
            "active": user.active,
            "placeholder": user.placeholder,
            "operation_id": user.operation_id,
            "pending_avatar": user.pending_avatar,
            "document": user.document,
            "as_of_us": user.as_of_us,
            "account": user.account,
            "username": user.username,
            # A placeholder takes nobody's name away.
            "username_key": f"@{user.id}" if user.placeholder else user.username.lower(),
            "updated_at": now,
        }
        if user.new:
            new.append(row | {"project_id": job.project_id, "created_at": now})
        else:
            changed.append(row)
        if user.addresses_changed:
            addresses[user.id] = list(user.emails)
    chat.write_users(connection, job.project_id, new, changed, addresses)
    if people.import_ids:
        chat.add_import_ids(connection, job.project_id, "user", people.import_ids)


def needed_authors(job: Job) -> frozenset[str]:
    """Authors of messages that will come in, as far as it can be told before the rooms are made; and who takes part in
    direct conversations that were selected."""
    chosen, direct = chosen_channels(job)
    with reading(job.house.engine) as connection:
        rooms = chosen | set(chat.all_targets(connection, job.project_id, "room"))
    wanted = pl.Series("id", list(rooms), dtype=pl.String).implode()
    authors: set[str] = set()
    for frame in job.column("pairs", ("channel", "author")):
        found = frame.filter(pl.col("channel").is_in(wanted))["author"].unique()
        authors.update(author for author in found.to_list() if author)
    if direct:
        for members in direct_members(job).values():
            authors.update(members)
    return frozenset(authors)


def placeholders_step(job: Job) -> bool:
    """An account for each author whom nobody imported: left out of the selection, or refused. Those that no list names
    were made with the users."""
    if job.strict:
        return True
    needed = needed_authors(job)
    with reading(job.house.engine) as connection:
        known = chat.all_targets(connection, job.project_id, "user")
    missing = sorted(needed - known.keys())
    if not missing:
        return True
    named: dict[str, Record] = {}
    wanted = pl.Series("id", missing, dtype=pl.String).implode()
    for frame in job.column("users", ("id", "ids", "username", "name", "display_name")):
        found = frame.filter(
            pl.col("id").is_in(wanted) | pl.col("ids").list.eval(pl.element().is_in(wanted)).list.any()
        )
        for record in found.to_dicts():
            for import_id in plan.ids_of(record):
                named.setdefault(import_id, record)
    for start in range(0, len(missing), BATCH):
        if job.over():
            return False
        with write(job.house.engine) as connection:
            operations.hold(connection, job.held)
            some = missing[start : start + BATCH]
            people = people_of(job, connection, [{"id": one} for one in some])
            for one in some:
                record = {**named.get(one, {}), "id": one, "ids": [one]}
                plan.plan_inferred(record, people, True, False, job.options, new_id)
            write_people(job, connection, people)
            operations.change(connection, job.held.id, tries=1)
        job.attempt.kept = True
    return True


def contacts_step(job: Job) -> bool:
    def decide(connection: Connection, records: list[Record], said: Said) -> list[str]:
        chosen = [record for record in records if contact_chosen(job, record)]
        ids = [one for record in chosen for one in plan.ids_of(record)]
        rows, by_import_id = chat.contacts_known(connection, job.project_id, ids)
        held = {id: _contact(row) for id, row in rows.items()}
        contacts = Contacts({key: held[id] for key, id in by_import_id.items() if id in held}, said)
        managers = [plan.clean(record.get("manager")) for record in chosen if record.get("manager")]
        _, by_id, _, by_name = chat.users_known(
            connection, job.project_id, managers, [], [name.lower() for name in managers]
        )
        found = [
            plan.plan_contact(record, contacts, {**by_id, **by_name}, job.options, new_id)
            if contact_chosen(job, record)
            else "not_selected"
            for record in records
        ]
        _write_contacts(job, connection, contacts)
        return found

    return decide_table(job, StagedTable("contacts", "contacts", decide))


def _contact(row: Mapping[str, Any]) -> Contact:
    return Contact(
        row["id"],
        row["name"],
        list(row["emails"] or ()),
        list(row["phones"] or ()),
        row["manager_id"],
        dict(row["custom"] or {}),
        row["operation_id"],
        row["as_of_us"] or 0,
    )


def _write_contacts(job: Job, connection: Connection, contacts: Contacts) -> None:
    now = database_now(connection)
    new, changed = [], []
    for contact in contacts.touched.values():
        row = {
            "id": contact.id,
            "name": contact.name,
            "emails": contact.emails,
            "phones": contact.phones,
            "manager_id": contact.manager_id,
            "custom": contact.custom,
            "as_of_us": contact.as_of_us,
            "operation_id": contact.operation_id,
            "updated_at": now,
        }
        if contact.new:
            new.append(row | {"project_id": job.project_id, "created_at": now})
        else:
            changed.append(row)
    chat.write_contacts(connection, new, changed)
    if contacts.import_ids:
        chat.add_import_ids(connection, job.project_id, "contact", contacts.import_ids)
