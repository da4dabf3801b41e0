"""Notebook files: reading them, running them, making exercises of them, storing their outputs."""
