"""What the check of an export must know of the workspace: who and what is there already."""

from __future__ import annotations

from sqlalchemy import Connection, select

from douane.store.schema import chat_email, chat_import_id, chat_room, chat_user, member, person


def known(connection: Connection, project_id: str) -> dict[str, list[str]]:
    """Lists of texts by the field names of `chat.check.Known`."""

    def ids(kind: str) -> list[str]:
        query = select(chat_import_id.c.import_id).where(
            chat_import_id.c.project_id == project_id, chat_import_id.c.kind == kind
        )
        return list(connection.execute(query).scalars())

    emails = select(chat_email.c.address).where(chat_email.c.project_id == project_id)
    usernames = select(chat_user.c.username_key).where(
        chat_user.c.project_id == project_id, chat_user.c.placeholder.is_(False)
    )
    keys = select(chat_room.c.room_key).where(chat_room.c.project_id == project_id, chat_room.c.type != "d")
    people = select(person.c.email, person.c.username).join(member).where(member.c.project_id == project_id)
    own = connection.execute(people).all()
    return {
        "emails": list(connection.execute(emails).scalars()),
        "usernames": [*connection.execute(usernames).scalars(), *(row.username.lower() for row in own)],
        "users": ids("user"),
        "rooms": [key.removeprefix("n:") for key in connection.execute(keys).scalars()],
        "channels": ids("room"),
        "own_emails": [row.email.lower() for row in own],
    }
