"""The views and figures of chapter 05."""
