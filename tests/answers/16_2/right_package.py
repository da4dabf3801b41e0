"""With the package's own functions."""

from minihv.cloud import micro

snapshot = micro.snapshot


def clone(taken, host):
    return micro.clone(taken, host=host)
