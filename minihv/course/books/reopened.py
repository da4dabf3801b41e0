"""A notebook that is opened without its kernel shows still pictures in place of dead widgets.

A view's output holds a live picture (the name of a widget in a kernel) beside a still one.
JupyterLab prefers the live one, also in a file whose kernel has long gone: "Error displaying
widget: model not found". This extension of the Jupyter server takes the live ones out of what it
hands to a page, unless a kernel still runs for the file. The file itself is not changed.

It is enabled by `minihv.json` in the environment's etc/jupyter/jupyter_server_config.d.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

LIVE = "application/vnd.jupyter.widget-view+json"
STILL = "image/svg+xml"


def without_live(notebook: Mapping[str, Any]) -> None:
    """Take live pictures out of a notebook's outputs, wherever a still one is beside them."""
    for cell in notebook.get("cells", ()):
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if STILL in data:
                data.pop(LIVE, None)


def _load_jupyter_server_extension(server: Any) -> None:
    """Stand between the server's contents and the pages that ask for them."""
    contents, sessions = server.contents_manager, server.session_manager
    original = contents.get
    if not inspect.iscoroutinefunction(original):  # another kind of contents than Jupyter's own
        return

    async def get(path: str, *rest: Any, **options: Any) -> Any:
        model = await original(path, *rest, **options)
        try:
            if model["type"] == "notebook" and model["content"]:
                running = await sessions.list_sessions()
                if all(session["path"] != model["path"] for session in running):
                    without_live(model["content"])
        except Exception:  # whatever is odd about a file, it has to open
            server.log.warning("minihv: %s is shown as it was saved", path, exc_info=True)
        return model

    contents.get = get


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]
