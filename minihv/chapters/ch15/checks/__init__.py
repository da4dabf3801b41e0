"""The checks of chapter 15."""
