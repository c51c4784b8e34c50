"""The inspector as a part of the server: its page under ``/``, its files under ``/ui``, its calls under ``/ui/api``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from mneme.server.problems import plain_response
from mneme.server.state import answer
from mneme.server.ui import pages
from mneme.server.ui.api import router
from mneme.server.ui.growth import Growth
from mneme.server.ui.sessions import COOKIE, DOOR, LASTS_S, Seated, Sessions, Sitting

if TYPE_CHECKING:
    from fastapi import FastAPI

    from mneme.server.state import State


class Shown(BaseModel):
    """What the door takes."""

    model_config = ConfigDict(extra="forbid", strict=True)

    key: str = Field(default="", max_length=300)


def add(app: FastAPI, state: State) -> None:
    """Add the inspector to the application."""
    sessions = Sessions(state.gate)
    app.state.mneme_growth = Growth()
    app.include_router(router)
    _add_door(app, sessions)
    _add_pages(app)
    app.add_middleware(Seated, sessions=sessions)


def _add_door(app: FastAPI, sessions: Sessions) -> None:
    """Add where sessions begin, are found again after a reload, and end."""

    @app.post(DOOR, include_in_schema=False)
    async def begin(request: Request, shown: Shown) -> Response:
        cookie, sitting = sessions.begin(shown.key) if sessions.keyed else ("", sessions.find(request.scope))
        answered = _told(sitting, keyed=sessions.keyed)
        if cookie:
            secure = request.url.scheme == "https"
            answered.set_cookie(COOKIE, cookie, max_age=LASTS_S, path="/ui", httponly=True, samesite="strict", secure=secure)
        return answered

    @app.get(DOOR, include_in_schema=False)
    async def find(request: Request) -> Response:
        return _told(sessions.find(request.scope), keyed=sessions.keyed)

    @app.delete(DOOR, include_in_schema=False)
    async def end(request: Request) -> Response:
        sessions.end(request.scope)
        answered = Response(status_code=204)
        answered.delete_cookie(COOKIE, path="/ui", httponly=True, samesite="strict")
        return answered


def _told(sitting: Sitting, *, keyed: bool) -> Response:
    caller = sitting.caller
    plain = {"token": sitting.token, "actor": caller.actor, "rights": sorted(caller.rights), "spaces": caller.spaces, "keyed": keyed}
    return answer(plain, {"Cache-Control": "no-store"})


def _add_pages(app: FastAPI) -> None:
    files = pages.read()

    @app.get("/", include_in_schema=False)
    async def index(request: Request) -> Response:
        return files[pages.INDEX].answer(request)

    @app.get("/ui/{name}", include_in_schema=False)
    async def file(request: Request, name: str) -> Response:
        found = files.get(name)
        return plain_response(404, "NotFound", "there is no such file") if found is None else found.answer(request)
