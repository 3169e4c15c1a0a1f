"""`/v1/auth`: signing in and out (contract 2.13)."""

from __future__ import annotations

import math

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from douane.errors import NotAllowed
from douane.flow import identity
from douane.flow.identity import SignIn
from douane.web.auth import address_of, from_own_pages, web_of
from douane.web.spreadsheet import answers, callers, wire
from douane.web.spreadsheet.answers import says
from douane.web.spreadsheet.callers import body

router = APIRouter(prefix="/v1/auth", tags=["Sign-in"])


@router.post("/login", **says(wire.SignedIn, 400, 401, 403, 413, 429, status=201, body=wire.LOGIN_BODY))
async def login(request: Request) -> Response:
    """Signs in by e-mail (or username) and password; sets the cookie `authentication`."""
    web = web_of(request)
    if not from_own_pages(request):
        raise wire.forbidden()
    login, password = wire.login(await body(request))
    account, address = login.strip().lower(), address_of(request)
    device = request.cookies.get(callers.DEVICE_COOKIE)
    tried = await run_in_threadpool(web.sign_in_limit.begin, account, address, device)
    if tried.wait_s > 0:
        await run_in_threadpool(identity.sign_in_limited, web.house, login, tried.wait_s)
        raise wire.WireError(
            429, "Too many requests, Try again after a minute.", headers={"Retry-After": str(math.ceil(tried.wait_s))}
        )
    try:
        signed_in = await run_in_threadpool(identity.sign_in, web.house, web.secrets, login, password=password)
    except NotAllowed as error:
        raise wire.unauthorized("Incorrect email or password provided.") from error
    await run_in_threadpool(web.sign_in_limit.succeed, tried)
    token = await run_in_threadpool(callers.token_of, web, signed_in)
    screen = "home" if signed_in.session.project_id is not None else "onboard"
    answer = answers.json(wire.SignedIn(screen, token), 201)
    await callers.set_cookie(request, answer, signed_in)
    callers.mark_device(request, answer, web.sign_in_limit.device_mark(account))
    return answer


@router.get("/me", **says(wire.Claims, 401))
async def me(request: Request, person: SignIn = Depends(callers.person)) -> Response:
    """The claims of the signed-in person, as they are now."""
    return answers.json(await run_in_threadpool(callers.claims_of, web_of(request), person))


@router.get("/logout", **says(None, 403))
async def logout(request: Request) -> Response:
    """Ends the session at once and clears the cookie. Without a session there is nothing to end, and no error."""
    web = web_of(request)
    claims = callers.read_token(web.secrets, request.cookies.get(callers.COOKIE))
    if claims is not None:
        if not from_own_pages(request):
            raise wire.forbidden()
        signed_in = await run_in_threadpool(identity.of_token, web.house, web.secrets, claims["jti"])
        if signed_in is not None:
            await run_in_threadpool(identity.sign_out, web.house, signed_in)
    answer = answers.empty()
    callers.clear_cookie(request, answer)
    return answer
