"""Containers: one API over a deterministic model and the real Linux kernel."""
