"""The workspace itself: the built-in bot and room, a mirror of each of the project's people, whose turn it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from douane.store import projects
from douane.store.chat.foreign_ids import import_id_row
from douane.store.chat.rows import Row, insert_new
from douane.store.chat.user_rows import user_id_by
from douane.store.ids import new_id
from douane.store.schema import (
    chat_email,
    chat_import_id,
    chat_room,
    chat_user,
    member,
    person,
)

GENERAL_NAME, BOT_NAME = "general", "rocket.cat"


# Slack's own account, and the name under which any export may let the built-in bot write (contract 6.4).
BOT_IMPORT_IDS = ("USLACKBOT", BOT_NAME)


def ensure_workspace(connection: Connection, project_id: str, now: datetime) -> None:
    """The built-in bot, the built-in room, and a mirror of each of the project's people. A person whose address a user
    has already becomes that user; one whose username is taken gets another. Nothing is done twice,
    also by two at once."""
    projects.lock(connection, project_id)
    users = {
        row.person_id: row
        for row in connection.execute(
            select(chat_user.c.person_id, chat_user.c.id).where(
                chat_user.c.project_id == project_id, chat_user.c.person_id.is_not(None)
            )
        )
    }
    bot_id = user_id_by(connection, project_id, username_key=BOT_NAME)
    if bot_id is None:
        bot = _user(project_id, BOT_NAME, "Rocket.Cat", now) | {
            "type": "bot",
            "roles": ["bot"],
            "document": {"builtin": True},
        }
        connection.execute(insert(chat_user), [bot])
        bot_id = str(bot["id"])
        ids = [import_id_row(project_id, "user", import_id, bot_id) for import_id in BOT_IMPORT_IDS]
        insert_new(connection, chat_import_id, ids)
    query = (
        select(person.c.id, person.c.email, person.c.username, person.c.first_name, person.c.last_name, member.c.role)
        .join(member, member.c.person_id == person.c.id)
        .where(member.c.project_id == project_id)
        .order_by(member.c.joined_at, member.c.id)
    )
    for who in connection.execute(query).all():
        if who.id not in users:
            _mirror(connection, project_id, who, now)
    general = connection.execute(
        select(chat_room.c.id).where(chat_room.c.project_id == project_id, chat_room.c.general.is_(True))
    ).first()
    if general is None:
        room = {
            "id": new_id(),
            "project_id": project_id,
            "type": "c",
            "name": GENERAL_NAME,
            "room_key": "n:" + GENERAL_NAME,
            "creator_id": bot_id,
            "general": True,
            "created_at": now,
            "updated_at": now,
        }
        insert_new(connection, chat_room, [room])


def has_workspace(connection: Connection, project_id: str) -> bool:
    """Whether there is nothing for `ensure_workspace` to do."""
    general = select(chat_room.c.id).where(chat_room.c.project_id == project_id, chat_room.c.general.is_(True))
    mirrored = select(chat_user.c.id).where(
        chat_user.c.project_id == project_id, chat_user.c.person_id == member.c.person_id
    )
    missing = select(member.c.id).where(member.c.project_id == project_id, ~mirrored.exists()).limit(1)
    return connection.execute(general).first() is not None and connection.execute(missing).first() is None


def _mirror(connection: Connection, project_id: str, who: Any, now: datetime) -> None:
    roles = ["admin", "user"] if who.role == "Admin" else ["user"]
    owner = connection.execute(
        select(chat_user)
        .join(chat_email, chat_email.c.user_id == chat_user.c.id)
        .where(chat_email.c.project_id == project_id, chat_email.c.address == who.email)
    ).first()
    if owner is not None and owner.person_id is None:
        connection.execute(
            update(chat_user)
            .where(chat_user.c.id == owner.id)
            .values(person_id=who.id, roles=roles, active=True, placeholder=False, updated_at=now)
        )
        return
    username, number = who.username, 1
    while user_id_by(connection, project_id, username_key=username.lower()) is not None:
        number += 1
        username = f"{who.username}-{number}"
    name = f"{who.first_name} {who.last_name}".strip() or who.username
    made = _user(project_id, username, name, now) | {
        "roles": roles,
        "emails": [{"address": who.email, "verified": True}] if owner is None else [],
        "person_id": who.id,
    }
    connection.execute(insert(chat_user), [made])
    if owner is None:
        row = {"project_id": project_id, "address": who.email, "user_id": made["id"]}
        insert_new(connection, chat_email, [row])


def _user(project_id: str, username: str, name: str, now: datetime) -> Row:
    return {
        "id": new_id(),
        "project_id": project_id,
        "username": username,
        "username_key": username.lower(),
        "name": name,
        "created_at": now,
        "updated_at": now,
    }
