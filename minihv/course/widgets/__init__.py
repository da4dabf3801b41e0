"""Interactive views for notebooks: MachineView, PageWalkView, TrapTimeline, FieldMap."""

from minihv.course.widgets.fieldmap import FieldMap
from minihv.course.widgets.machine import MachineView
from minihv.course.widgets.record import Event, record_traps
from minihv.course.widgets.timeline import TrapTimeline
from minihv.course.widgets.walk import PageWalkView

__all__ = ["Event", "FieldMap", "MachineView", "PageWalkView", "TrapTimeline", "record_traps"]
