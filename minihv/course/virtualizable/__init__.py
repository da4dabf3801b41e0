"""Popek and Goldberg's question, asked of this machine: chapter 02's bench and its figure."""

from minihv.course.virtualizable.bench import Bench, Seen, spellings
from minihv.course.virtualizable.sets import sets

__all__ = ["Bench", "Seen", "sets", "spellings"]
