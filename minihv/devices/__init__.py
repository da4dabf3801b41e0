"""Devices of the virt board."""
