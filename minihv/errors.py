"""Errors that a user sees: one sentence that names what is wrong and how to mend it."""


class MinihvError(Exception):
    """Base of every error that minihv raises for bad input; its text is one clear line."""


class ImageError(MinihvError):
    """A guest image (ELF, Linux Image, flat binary) that cannot be loaded."""


class ConfigError(MinihvError):
    """A machine that cannot be built as asked (memory size, number of harts, ...)."""


class ContainerError(MinihvError):
    """A container or image that cannot be had, in one clear line."""


class AssemblyError(MinihvError):
    """Assembly source that cannot be assembled; knows its line and column (both from 1)."""

    def __init__(self, message: str, line: int = 0, column: int = 0):
        super().__init__(f"line {line}, column {column}: {message}" if line else message)
        self.line = line
        self.column = column
