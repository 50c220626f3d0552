"""Who may reach what: every exposed endpoint has a right, and one without a right is refused.

The map is read by `_handle_view` before anything else runs, and by the test that walks the URL map.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import BaseView

from dashboard import auth
from dashboard.admin_views.answers import safe_path, wants_fragment
from dashboard.operations.base import Actor
from dashboard.operations.errors import Forbidden, Missing, OperationError, Refused, Stale

F = TypeVar("F", bound=Callable[..., Any])


def needs(right: str) -> Callable[[F], F]:
    """Name the right that an exposed method needs."""

    def mark(method: F) -> F:
        method.right = right  # type: ignore[attr-defined]
        return method

    return mark


class GuardedView(BaseView):
    """A Flask-Admin view that refuses by default and answers every refusal in words."""

    # The right of each endpoint that carries no `needs`, by method name.
    endpoint_rights: ClassVar[dict[str, str]] = {}
    # What the menu asks before it shows the view.
    menu_right = ""
    icon = "dot"

    def right_of(self, name: str) -> str | None:
        """The right that the endpoint `name` needs; None where none is declared, which refuses everybody."""
        declared = getattr(getattr(type(self), name, None), "right", None)
        return declared or self.endpoint_rights.get(name)

    @property
    def actor(self) -> Actor:
        """The staff member who asks. Only reached behind `_handle_view`."""
        actor = auth.current_actor()
        if actor is None:
            abort(401)
        return actor

    def may(self, right: str) -> bool:
        return self.actor.may(right)

    def is_visible(self) -> bool:
        actor = auth.current_actor()
        return actor is not None and (not self.menu_right or actor.may(self.menu_right))

    def _handle_view(self, name: str, **kwargs: Any) -> ResponseReturnValue | None:
        actor = auth.current_actor()
        if actor is None:
            return auth.ask_to_sign_in()
        right = self.right_of(name)
        if right is None or not actor.may(right):
            abort(403)
        return None

    def _run_view(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        # Flask-Admin's own calls the view a second time when it raises TypeError; ours never does.
        try:
            return fn(self, *args, **kwargs)
        except OperationError as error:
            return self.answer(error)

    def answer(self, error: OperationError) -> ResponseReturnValue:
        """The response to an operation's refusal that no form caught."""
        if isinstance(error, Forbidden):
            abort(403, description=str(error))
        if isinstance(error, Missing):
            abort(404, description=str(error))
        if isinstance(error, Stale) or request.method == "GET":
            abort(409, description=str(error))
        if wants_fragment():
            return {"error": str(error)}, 422
        flash(str(error), "error" if isinstance(error, Refused) else "warning")
        return redirect(self.way_back(), 303)

    def way_back(self, default: str = "") -> str:
        """Where the reader came from, when that is a page of ours."""
        wanted = request.values.get("next", "")
        return safe_path(wanted) or default or url_for(f"{self.endpoint}.{self._default_view}")
