"""`/v1/project` and `/v1/environment` (contract 2.7)."""

from __future__ import annotations

from contextlib import suppress

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from douane.errors import NotFound
from douane.flow import identity, templates
from douane.flow.identity import SignIn
from douane.model.identity import MANAGE_PROJECT, READ_ACCESS_KEY, VIEW_PROJECT, VIEW_TEMPLATES, Caller, Project
from douane.web.auth import Web, noted, web_of
from douane.web.spreadsheet import answers, callers, wire
from douane.web.spreadsheet.answers import says
from douane.web.spreadsheet.callers import body, checked, in_project, page_of

router = APIRouter(prefix="/v1", tags=["Projects"])


@router.get("/project", **says(list[wire.ProjectEntry], 401))
async def list_projects(request: Request, caller: Caller = Depends(callers.anyone_or_token)) -> Response:
    """The projects of the signed-in person; with an access key or an import token, its own."""
    web = web_of(request)

    def work() -> list[wire.ProjectEntry]:
        if caller.person_id is None:
            project = identity.project(web.house, callers.own_project(caller))
            role = "Admin" if caller.token is None else "Importer"
            return [wire.ProjectEntry(project.name, project.id, False, role)]
        joined = identity.projects_of(web.house, caller.person_id)
        return [wire.ProjectEntry(one.name, one.id, one.owner_id == caller.person_id, role) for one, role in joined]

    return answers.json(await run_in_threadpool(work))


@router.post("/project", **says(wire.NewProject, 400, 401, 403, 413, status=201, body=wire.NEW_PROJECT_BODY))
async def create_project(request: Request, caller: Caller = Depends(callers.anyone)) -> Response:
    """A project with its environment and access key; a session goes on in it. With an access key the owner of the
    key's project owns the new one, too."""
    web = web_of(request)
    if caller.person_id is None and not caller.may(MANAGE_PROJECT):
        raise wire.forbidden()
    name, header = wire.new_project(await body(request))

    def work() -> wire.NewProject:
        owner_id = caller.person_id or identity.project(web.house, callers.own_project(caller)).owner_id
        project, key = identity.add_project(web.house, web.secrets, owner_id, name, header)
        _, members = identity.project_with_members(web.house, project.id)
        return wire.NewProject(wire.project(project), wire.environment(project, members, key))

    made = await run_in_threadpool(work)
    answer = answers.json(made, 201)
    if caller.session_id is not None:
        await _go_on_in(request, made.project.id_, answer)
    return answer


@router.put("/project/switch/{project_id}", **says(dict, 400, 401, 403, 404))
async def switch_project(request: Request, project_id: str, person: SignIn = Depends(callers.person)) -> Response:
    """The session goes on in another project of the person."""
    answer = answers.json({})
    await _go_on_in(request, checked(project_id), answer, person)
    return answer


@router.put(
    "/project/{project_id}", **says(wire.ProjectDocument, 400, 401, 403, 404, 413, body=wire.CHANGED_PROJECT_BODY)
)
async def change_project(request: Request, project_id: str, caller: Caller = Depends(callers.anyone)) -> Response:
    caller = await in_project(request, caller, project_id, MANAGE_PROJECT)
    changes = wire.changed_project(await body(request))
    project = await run_in_threadpool(
        lambda: identity.change_project(web_of(request).house, callers.own_project(caller), **changes)
    )
    return answers.json(wire.project(project))


@router.delete("/project/{project_id}", **says(wire.ProjectDocument, 400, 401, 403, 404))
async def delete_project(request: Request, project_id: str, person: SignIn = Depends(callers.person)) -> Response:
    """The project and all that is in it; its owner only."""
    web = web_of(request)
    project = await _owned(web, checked(project_id), person)
    await run_in_threadpool(identity.remove_project, web.house, project.id)
    web.forget()
    return answers.json(wire.project(project))


@router.get("/project/{project_id}/templates", **says(list[wire.TemplateEntry], 400, 401, 403, 404))
async def list_templates(
    request: Request, project_id: str, caller: Caller = Depends(callers.anyone_or_token)
) -> Response:
    """All of the project; to an import token the one it is for."""
    caller = await in_project(request, caller, project_id, VIEW_TEMPLATES)
    found = await run_in_threadpool(templates.of_project, web_of(request).house, callers.own_project(caller))
    if caller.token is not None:
        found = [(stored, columns) for stored, columns in found if stored.id == caller.token.template_id]
    return answers.json([wire.template_entry(stored, columns) for stored, columns in found])


@router.get(
    "/project/{project_id}/imports",
    **says(wire.ImportPage, 400, 401, 403, 404, query={"page": "integer", "limit": "integer", "search": "string"}),
)
async def list_imports(request: Request, project_id: str, caller: Caller = Depends(callers.anyone)) -> Response:
    """The project's templates with their counters, newest change first."""
    caller = await in_project(request, caller, project_id, VIEW_TEMPLATES)
    page, limit = page_of(request)
    text = wire.clean(request.query_params.get("search", ""))
    found, total = await run_in_threadpool(
        templates.search, web_of(request).house, callers.own_project(caller), text, page, limit
    )
    entries = [wire.import_entry(one) for one in found]
    return answers.json(wire.ImportPage(page, limit, entries, wire.pages(total, limit), total))


@router.get("/project/{project_id}/environment", **says(wire.EnvironmentDocument, 400, 401, 403, 404))
async def read_environment(request: Request, project_id: str, caller: Caller = Depends(callers.anyone)) -> Response:
    web = web_of(request)
    caller = await in_project(request, caller, project_id, READ_ACCESS_KEY)

    def work() -> wire.EnvironmentDocument:
        project, members = identity.project_with_members(web.house, callers.own_project(caller))
        return wire.environment(project, members, identity.access_key(web.house, web.secrets, project.id))

    shown = await run_in_threadpool(work)
    await noted(request, "key.show", project_id=shown.project_id)
    return answers.json(shown)


@router.get("/project/{project_id}/allowed-domains", **says(wire.ProjectDocument, 400, 401, 403, 404))
async def read_domains(request: Request, project_id: str, caller: Caller = Depends(callers.anyone)) -> Response:
    caller = await in_project(request, caller, project_id, VIEW_PROJECT)
    project = await run_in_threadpool(identity.project, web_of(request).house, callers.own_project(caller))
    return answers.json(wire.project(project))


@router.put(
    "/project/{project_id}/allowed-domains",
    **says(wire.ProjectDocument, 400, 401, 403, 404, 413, body=wire.ALLOWED_DOMAINS_BODY),
)
async def change_domains(request: Request, project_id: str, person: SignIn = Depends(callers.person)) -> Response:
    """From which web pages the access key may be used; the project's creator only. The key is in those pages for all to
    read, so it can't change them."""
    web = web_of(request)
    project = await _owned(web, checked(project_id), person)
    domains = wire.allowed_domains(await body(request))
    changed = await run_in_threadpool(lambda: identity.change_project(web.house, project.id, allowed_domains=domains))
    web.forget()
    return answers.json(wire.project(changed))


@router.get("/environment/api-keys/regenerate", **says(wire.NewAccessToken, 401, 403, 404))
async def regenerate_key(request: Request, person: SignIn = Depends(callers.person)) -> Response:
    """A new access key for the session's project. The old one is refused from now on."""
    web = web_of(request)
    caller = identity.caller_of(person)
    if not caller.may(READ_ACCESS_KEY):
        raise wire.forbidden()
    key = await run_in_threadpool(identity.rotate_access_key, web.house, web.secrets, callers.own_project(caller))
    web.forget()
    answer = answers.json(wire.NewAccessToken(key))
    await callers.set_cookie(request, answer, person)
    return answer


async def _owned(web: Web, project_id: str, person: SignIn) -> Project:
    """Another's is answered as one that is not there, to the letter."""
    with suppress(NotFound):
        project = await run_in_threadpool(identity.project, web.house, project_id)
        if project.owner_id == person.person.id:
            return project
    raise wire.not_existing("Project", project_id)


async def _go_on_in(request: Request, project_id: str, answer: Response, person: SignIn | None = None) -> None:
    """Moves the session and sends the cookie that says so."""
    web = web_of(request)
    person = person or await callers.person(request)
    moved = await run_in_threadpool(identity.switch, web.house, person, project_id)
    await callers.set_cookie(request, answer, moved)
