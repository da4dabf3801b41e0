"""The views and figures of chapter 02."""
