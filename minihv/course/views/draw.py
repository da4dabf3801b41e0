"""The house style: the palette, and how pictures are written as SVG.

Hue says which world, lightness which privilege. Every shape carries its colours itself, for paper
and for sites that show the picture alone; its class lets a dark page repaint what is neutral (ink,
faint, paper, line), thin lines and the darkest fills. Text is never smaller than 11 units.

A picture repaints itself where the page around it is dark: JupyterLab tells its `<img>` elements
by the CSS property color-scheme which kind of theme it has.
"""

from __future__ import annotations

from html import escape

PALETTE = {
    "U": "#56B4E9", "S": "#0072B2", "M": "#003B5C", "VU": "#CC79A7", "VS": "#882255",
    "host": "#009E73", "hardware": "#6B7280", "attention": "#E69F00", "fault": "#D55E00",
}
NEUTRAL = {"ink": "#1F2328", "faint": "#59636E", "paper": "#FFFFFF", "line": "#C4CAD2",
           "tint": "#F3F5F8"}
# On a dark page: neutral colours, fills, thin lines with their markers, and text.
DARK = {"ink": "#E6E9ED", "faint": "#A7B0BA", "paper": "#212121", "line": "#3D4650",
        "tint": "#1C2128"}
DARK_FILLS = {"M": "#CFE8F7", "VS": "#B0437F"}
DARK_LINES = {"S": "#4AA3DD", "M": "#CFE8F7", "VS": "#D27FB0", "hardware": "#A0A8B3"}
DARK_TEXT = {"S": "#74C2F2"}
SANS = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
MONO = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
NOMINAL = 0.602     # the width of a monospaced character, in units of the font's size


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb, 0 (black) to 1 (white), as WCAG 2 defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21; text needs 4.5, shapes need 3."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def ink_on(fill: str) -> str:
    """Black or white, whichever reads better on `fill`."""
    return max("#101418", "#FFFFFF", key=lambda ink: contrast(ink, fill))


def colours(name: str) -> dict[str, str]:
    """Return a palette entry as the views take it: its fill, and the ink for text on it."""
    return {"fill": PALETTE[name], "ink": ink_on(PALETTE[name])}


def _paint(colour: str, kind: str = "fill") -> str:
    """Attributes that paint with a palette entry or a neutral one (by class too) or #rrggbb."""
    shown = NEUTRAL.get(colour) or PALETTE.get(colour)
    return f'{kind}="{shown}" class="{kind}-{colour}"' if shown else f'{kind}="{colour}"'


def text(x: float, y: float, words: str, *, size: float = 13, ink: str = "ink", bold: bool = False,
         anchor: str = "start", mono: bool = False) -> str:
    """Return one line of text whose baseline starts (or is centred, or ends) at (x, y)."""
    weight = ' font-weight="600"' if bold else ""
    family = f' font-family="{MONO}" xml:space="preserve"' if mono else ""
    return (f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" text-anchor="{anchor}"{weight}'
            f'{family} {_paint(ink)}>{escape(words)}</text>')


def dot(x: float, y: float, radius: float, colour: str) -> str:
    """Return a filled circle."""
    return f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" {_paint(colour)}/>'


def area(d: str, colour: str) -> str:
    """Return the area inside SVG path data `d`."""
    return f'<path d="{d}" {_paint(colour)}/>'


def box(x: float, y: float, width: float, height: float, fill: str = "paper", *,
        line: str | None = None, round: float = 4, thick: float = 1, see: float = 1) -> str:
    """Return a rectangle; `line` is its outline's colour, `see` how opaque its fill is."""
    outline = "" if line is None else (
        f' stroke="{PALETTE.get(line, NEUTRAL.get(line, line))}" stroke-width="{thick:g}"')
    opacity = "" if see == 1 else f' fill-opacity="{see:g}"'
    return (f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{round:g}" '
            f'{_paint(fill)}{outline}{opacity}/>')


def path(d: str, colour: str = "faint", *, thick: float = 1.5, dash: str = "",
         arrow: bool = False) -> str:
    """Return a line along SVG path data `d`, with an arrow head at its end if asked."""
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    head = ' marker-end="url(#mhv-head)"' if arrow else ""
    return f'<path d="{d}" fill="none" {_paint(colour, "stroke")} stroke-width="{thick:g}"' \
           f'{dashed}{head}/>'


HEAD = ('<defs><marker id="mhv-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto-start-reverse"><path d="M0 0 8 4 0 8z" '
        'fill="context-stroke"/></marker></defs>')


def _dark() -> str:
    """Return the style that repaints a picture on a dark page."""
    rules = [f".{kind}-{name}{{{kind}:{colour}}}" for name, colour in DARK.items()
             for kind in ("fill", "stroke")]
    rules += [f".fill-{name}{{fill:{colour}}}" for name, colour in DARK_FILLS.items()]
    rules += [f".stroke-{name}{{stroke:{colour}}}.mark-{name}{{fill:{colour}}}"
              for name, colour in DARK_LINES.items()]
    rules += [f"text.fill-{name}{{fill:{colour}}}" for name, colour in DARK_TEXT.items()]
    return f"<style>@media (prefers-color-scheme:dark){{{''.join(rules)}}}</style>"


def svg(width: float, height: float, title: str, *parts: str, description: str = "") -> str:
    """Return the parts as a picture of `width` by `height` units, with a title to be heard."""
    more = f"<desc>{escape(description)}</desc>" if description else ""
    head = HEAD if any("#mhv-head" in part for part in parts) else ""
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
            f'width="{width:g}" height="{height:g}" role="img" aria-label="{escape(title)}" '
            f'font-family="{SANS}"><title>{escape(title)}</title>{more}{_dark()}{head}'
            f'{box(0, 0, width, height, round=6)}{"".join(parts)}</svg>')


def wrapped(words: str, room: int) -> list[str]:
    """Return `words` broken into lines of fewer than `room` characters."""
    lines = [""]
    for word in words.split():
        if lines[-1] and len(lines[-1]) + len(word) >= room:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
