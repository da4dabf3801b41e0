"""Interactive views for notebooks: MachineView, PageWalkView, TrapTimeline, FieldMap."""

from minihv.course.widgets.machine import MachineView
from minihv.course.widgets.timeline import TrapTimeline, record_traps
from minihv.course.widgets.walk import PageWalkView

__all__ = ["MachineView", "PageWalkView", "TrapTimeline", "record_traps"]
