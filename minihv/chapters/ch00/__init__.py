"""Chapter 00, start here."""

from minihv.chapters import names

__getattr__, __dir__ = names(
    __name__,
    FieldMap="views.fieldmap",
    MachineView="views.machine",
)
