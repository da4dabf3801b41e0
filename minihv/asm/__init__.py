"""Assembler and disassembler over the machine's own tables."""

from minihv.asm.assembler import assemble, caret
from minihv.asm.disassembler import disassemble, disassemble_range

__all__ = ["assemble", "caret", "disassemble", "disassemble_range"]
