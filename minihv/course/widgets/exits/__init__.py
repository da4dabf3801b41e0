"""Views of a hypervisor at work: why guests leave the hart, and who runs when."""

from minihv.course.widgets.exits.record import record_exits
from minihv.course.widgets.exits.view import ExitView

__all__ = ["ExitView", "record_exits"]
