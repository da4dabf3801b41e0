"""The error of a system call."""

import errno


def fail(code: int, why: str) -> OSError:
    """Return the error of a system call: its errno and the rule that refused it."""
    return OSError(code, f"{errno.errorcode[code]}: {why}")
