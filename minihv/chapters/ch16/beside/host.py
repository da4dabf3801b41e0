"""Exercise 16.4's fleet: a host, and what an instance costs there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fleet:
    """A host and what an instance of the fleet costs there.

    free: bytes of the host's memory; shared: bytes that all instances have together; each: bytes
    that each has alone. cores. idle: microseconds of a core that an instance takes in a second for
    nothing; rate: requests in a second to one instance; request: microseconds for one; start:
    microseconds to start an instance; lifetime: seconds until it is replaced by a new one.
    """

    free: int
    shared: int
    each: int
    cores: int
    idle: int
    rate: int
    request: int
    start: int
    lifetime: int
