"""Views of two address translations at once: the explorer of shadow tables, the 2-D walk."""

from minihv.course.widgets.paging.explorer import PagingExplorer
from minihv.course.widgets.paging.grid import WalkGrid
from minihv.course.widgets.paging.replay import Replay

__all__ = ["PagingExplorer", "Replay", "WalkGrid"]
