"""Who may do what: people, projects, roles, and the caller of one request. One model for both surfaces.

Every resource belongs to a project. A caller acts in one project at a time; another project's id behaves exactly like
an unknown one, so a permission is only ever asked about the caller's own project.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

# Permissions are named once for both surfaces; the chat contract (2.4) fixes the two import ones
# and the exemption from its rate limit.
VIEW_PROJECT = "view-project"
MANAGE_PROJECT = "manage-project"
READ_ACCESS_KEY = "read-access-key"
VIEW_TEMPLATES = "view-templates"
MANAGE_TEMPLATES = "manage-templates"
RUN_IMPORT = "run-import"
VIEW_IMPORT_OPERATIONS = "view-import-operations"
BYPASS_RATE_LIMIT = "api-bypass-rate-limit"

PERMISSIONS = frozenset(
    {
        VIEW_PROJECT,
        MANAGE_PROJECT,
        READ_ACCESS_KEY,
        VIEW_TEMPLATES,
        MANAGE_TEMPLATES,
        RUN_IMPORT,
        VIEW_IMPORT_OPERATIONS,
        BYPASS_RATE_LIMIT,
    }
)

# The three roles of `/v1` (contract 3, last line): Admin may everything, Tech all but the project itself and who is in
# it, Finance sees the home page only. Importer and Observer are ours, for the two permissions of the chat contract
# (2.4) each by itself: who runs imports, and who sees what became of them.
ROLES: dict[str, frozenset[str]] = {
    "Admin": PERMISSIONS,
    "Tech": PERMISSIONS - {MANAGE_PROJECT, BYPASS_RATE_LIMIT},
    "Finance": frozenset({VIEW_PROJECT}),
    "Importer": frozenset({VIEW_PROJECT, VIEW_TEMPLATES, RUN_IMPORT}),
    "Observer": frozenset({VIEW_PROJECT, VIEW_TEMPLATES, VIEW_IMPORT_OPERATIONS}),
}


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who signs in. `email` is lower case; `username` is unique, too, and never contains `@`."""

    id: str
    email: str
    username: str
    password_hash: str
    first_name: str = ""
    last_name: str = ""
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Project:
    """A tenant. `environment_id` is the id `/v1` shows for its single environment."""

    id: str
    name: str
    owner_id: str
    environment_id: str
    created_at: datetime
    updated_at: datetime
    auth_header_name: str | None = None
    allowed_domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """A person's place in a project."""

    id: str
    project_id: str
    person_id: str
    role: str
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser (`session`) or a personal token of a program (`token`). `project_id` is where it acts."""

    id: str
    kind: Literal["session", "token"]
    person_id: str
    project_id: str | None
    created_at: datetime
    used_at: datetime
    expires_at: datetime | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A project's key without the key itself. The one with an empty name is the environment's (`/v1` 2.7); named ones
    were made on the command line and outlive its rotation."""

    id: str
    project_id: str
    name: str
    created_at: datetime
    revoked_at: datetime | None = None


# What who holds an import token may do, with its template and its imports alone.
BY_TOKEN = frozenset({VIEW_TEMPLATES, RUN_IMPORT, VIEW_IMPORT_OPERATIONS})


@dataclass(frozen=True, slots=True)
class ImportLink:
    """Lets whoever holds it import into one template. `uses_max`: imports through it, None = any number; `uses`: those
    there are. `fields`: of the uploads, in their surface's words, fixed by who made the link."""

    id: str
    project_id: str
    template_id: str
    name: str
    created_at: datetime
    expires_at: datetime
    uses_max: int | None = None
    uses: int = 0
    revoked_at: datetime | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImportToken:
    """What a page holds instead of the project's key: good for one template and the imports it makes, or for the one
    import `operation_id` alone. `link_id`: the link it came from. `fields`: as a link's."""

    id: str
    project_id: str
    template_id: str
    created_at: datetime
    expires_at: datetime
    link_id: str | None = None
    operation_id: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as one request knows them. `person_id` and `session_id` are None for an access key, whose own id is
    `key_id`; `project_id` is None for someone who is in no project yet. `permissions` hold in that project only.
    `token`: who asks holds an import token, and sees nothing but what that is for."""

    project_id: str | None
    permissions: frozenset[str]
    person_id: str | None = None
    session_id: str | None = None
    key_id: str | None = None
    token: ImportToken | None = None

    def may(self, permission: str) -> bool:
        return permission in self.permissions
