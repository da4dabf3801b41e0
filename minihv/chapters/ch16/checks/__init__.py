"""The checks of chapter 16."""
