"""The machine: a RISC-V hart, its memory and its run loop."""
