"""Python source in the colours of the page's own editor."""

from __future__ import annotations

import ast
from html import escape
from itertools import groupby

# How JupyterLab's editor paints what Pygments' tokens (most special first) mean; in a page without
# these variables the text keeps its colour.
KINDS = {
    "Comment": "comment", "Keyword": "keyword",
    "Operator.Word": "keyword", "Operator": "operator", "Literal.String": "string",
    "Literal.Number": "number", "Name.Function": "def", "Name.Class": "def",
    "Name.Decorator": "def", "Name.Builtin": "builtin",
}  # fmt: skip
STYLE = "".join(
    f".mhv-source .{kind}{{color:var(--jp-mirror-editor-{kind}-color,inherit)}}"
    for kind in dict.fromkeys(KINDS.values()) if kind != "comment"
) + (".mhv-source .keyword{font-weight:bold}"
     ".mhv-source .comment{color:var(--jp-content-font-color2,inherit);font-style:italic}")


def painted(source: str) -> str:
    """Return Python source as HTML in the page's colours; plain if it is none, such as assembly."""
    try:
        ast.parse(source)
        # Comes with IPython.
        from pygments.lexers.python import PythonLexer  # type: ignore[import-untyped]
    except (SyntaxError, ValueError, ImportError):
        return escape(source)
    tokens = PythonLexer(stripnl=False, ensurenl=False).get_tokens(source)
    parts = []
    for kind, group in groupby(tokens, lambda pair: _kind(pair[0])):
        words = escape("".join(words for _, words in group))
        parts.append(f'<span class="{kind}">{words}</span>' if kind else words)
    return "".join(parts)


def _kind(token: object) -> str:
    name = str(token).removeprefix("Token.") + "."
    return next((kind for start, kind in KINDS.items() if name.startswith(f"{start}.")), "")
