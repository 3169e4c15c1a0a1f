"""The chat workspace of a project: users, rooms, members, contacts, foreign ids, and the parts its messages stand in.

One module a subject; the hallway asks for all of them here, but for `files` (what is still to be fetched), `known`
(what a check must know) and `run_state` (how far a run is). Rows come and go as plain mappings with the columns' names;
what a run decides about them is `chat/plan.py`. Uniqueness (usernames, addresses, foreign ids, room keys) is the
database's.
"""

from douane.store.chat.contact_rows import contacts, contacts_known, count_contacts, write_contacts
from douane.store.chat.files import add_files
from douane.store.chat.foreign_ids import add_import_ids, all_targets, import_ids_of, targets
from douane.store.chat.outcome_rows import (
    OutcomeRow,
    add_outcome,
    forget_outcome_objects,
    outcome_objects,
    outcomes,
    settled,
)
from douane.store.chat.part_rows import GoneRow, PartRow, add_gone, add_part, gone, next_part, objects, parts
from douane.store.chat.room_rows import (
    add_members,
    count_members,
    count_rooms,
    has_room_key,
    members,
    members_of,
    newer_rooms,
    older_members,
    one_room,
    remove_members,
    room_names,
    rooms,
    rooms_known,
    set_room_counts,
    write_rooms,
)
from douane.store.chat.rows import Row, moment
from douane.store.chat.user_rows import (
    all_names,
    count_users,
    names,
    newer_users,
    one_user,
    user_id_by,
    user_id_of_person,
    users,
    users_by_id,
    users_known,
    write_users,
)
from douane.store.chat.workspace import (
    BOT_IMPORT_IDS,
    BOT_NAME,
    GENERAL_NAME,
    ensure_workspace,
    has_workspace,
)

__all__ = [
    "BOT_IMPORT_IDS",
    "BOT_NAME",
    "GENERAL_NAME",
    "GoneRow",
    "OutcomeRow",
    "PartRow",
    "Row",
    "add_files",
    "add_gone",
    "add_import_ids",
    "add_members",
    "add_outcome",
    "add_part",
    "all_names",
    "all_targets",
    "contacts",
    "contacts_known",
    "count_contacts",
    "count_members",
    "count_rooms",
    "count_users",
    "ensure_workspace",
    "forget_outcome_objects",
    "gone",
    "has_room_key",
    "has_workspace",
    "import_ids_of",
    "members",
    "members_of",
    "moment",
    "names",
    "newer_rooms",
    "newer_users",
    "next_part",
    "objects",
    "older_members",
    "one_room",
    "one_user",
    "outcome_objects",
    "outcomes",
    "parts",
    "remove_members",
    "room_names",
    "rooms",
    "rooms_known",
    "set_room_counts",
    "settled",
    "targets",
    "user_id_by",
    "user_id_of_person",
    "users",
    "users_by_id",
    "users_known",
    "write_contacts",
    "write_rooms",
    "write_users",
]
