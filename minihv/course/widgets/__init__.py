"""Views: MachineView, PageWalkView, TrapTimeline, FieldMap, StacksView."""

from minihv.course.widgets.fieldmap import FieldMap
from minihv.course.widgets.machine import MachineView
from minihv.course.widgets.record import Event, record_traps
from minihv.course.widgets.stacks import StacksView
from minihv.course.widgets.timeline import TrapTimeline
from minihv.course.widgets.walk import PageWalkView

__all__ = ["Event", "FieldMap", "MachineView", "PageWalkView", "StacksView", "TrapTimeline",
           "record_traps"]  # fmt: skip
