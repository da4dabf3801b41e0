"""NamespaceView: what processes in different namespaces see of one machine, side by side."""

from minihv.course.widgets.boxes.namespaces import NamespaceView

__all__ = ["NamespaceView"]
