"""Builds the source and forgets to return it."""
# says: no_source


def handler():
    source = ".balign 4\nhandler: mret\n"
    source += "nop\n"
