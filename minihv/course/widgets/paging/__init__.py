"""Views of two address translations at once: the explorer of shadow and nested tables."""

from minihv.course.widgets.paging.explorer import PagingExplorer
from minihv.course.widgets.paging.replay import Replay

__all__ = ["PagingExplorer", "Replay"]
