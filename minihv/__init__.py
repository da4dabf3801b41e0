"""minihv: a compact mini-hypervisor, built and measured chapter by chapter."""

__version__ = "0.1.0"
