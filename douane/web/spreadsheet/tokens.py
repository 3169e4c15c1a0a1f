"""Beside the contract: import tokens and import links, which let a page or a person import without the project's key
(docs/wire-spreadsheet.md)."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from douane.flow import tokens
from douane.model.identity import MANAGE_TEMPLATES, RUN_IMPORT, VIEW_TEMPLATES, Caller
from douane.web.auth import web_of
from douane.web.spreadsheet import answers, wire
from douane.web.spreadsheet.answers import says
from douane.web.spreadsheet.callers import body, checked, may, own_project
from douane.web.spreadsheet.wire import tokens as words

router = APIRouter(prefix="/v1", tags=["Tokens"])


@router.post("/token", **says(words.TokenDocument, 400, 401, 403, 404, 413, status=201, body=wire.TOKEN_BODY))
async def create_token(request: Request, caller: Caller = Depends(may(RUN_IMPORT))) -> Response:
    """A short-lived token for a page: for one template and the imports made with it, or for one import alone."""
    web = web_of(request)
    new = words.new_token(await body(request))
    text, made = await run_in_threadpool(tokens.add_token, web.house, web.secrets, own_project(caller), new)
    return answers.json(words.token(text, made), 201)


@router.delete("/token/{token_id}", **says(words.RevokedDocument, 400, 401, 403, 404))
async def revoke_token(request: Request, token_id: str, caller: Caller = Depends(may(RUN_IMPORT))) -> Response:
    """Refused from now on, by other processes within seconds."""
    web, token_id = web_of(request), checked(token_id)
    await run_in_threadpool(tokens.revoke_token, web.house, own_project(caller), token_id)
    web.forget()
    return answers.json(words.RevokedDocument(token_id))


@router.post("/link", **says(words.LinkDocument, 400, 401, 403, 404, 413, status=201, body=wire.LINK_BODY))
async def create_link(request: Request, caller: Caller = Depends(may(MANAGE_TEMPLATES))) -> Response:
    """An import link, to be handed to a person. Its address is answered once."""
    web = web_of(request)
    new = words.new_link(await body(request))
    url, made = await run_in_threadpool(tokens.add_link, web.house, web.secrets, own_project(caller), new)
    return answers.json(words.link(made, url), 201)


@router.get("/link", **says(list[words.LinkDocument], 400, 401, 403, query={"templateId": "string"}))
async def list_links(request: Request, caller: Caller = Depends(may(VIEW_TEMPLATES))) -> Response:
    """The project's import links, oldest first, without their addresses."""
    asked = request.query_params.get("templateId")
    template_id = checked(asked) if asked else None
    found = await run_in_threadpool(tokens.links, web_of(request).house, own_project(caller), template_id)
    return answers.json([words.link(one) for one in found])


@router.delete("/link/{link_id}", **says(words.LinkDocument, 400, 401, 403, 404))
async def revoke_link(request: Request, link_id: str, caller: Caller = Depends(may(MANAGE_TEMPLATES))) -> Response:
    """Opens nothing from now on, nor do the tokens that came from it. Imports made through it stay."""
    web, link_id = web_of(request), checked(link_id)
    found = await run_in_threadpool(tokens.revoke_link, web.house, own_project(caller), link_id)
    web.forget()
    return answers.json(words.link(found))


@router.post("/link/open", **says(words.TokenDocument, 400, 401, 404, 413, status=201, body=wire.OPEN_LINK_BODY))
async def open_link(request: Request) -> Response:
    """What the page behind a link asks first: open to whoever has the link."""
    web = web_of(request)
    link = words.opened_link(await body(request))
    return answers.json(words.token(*await run_in_threadpool(tokens.open_link, web.house, web.secrets, link)), 201)
