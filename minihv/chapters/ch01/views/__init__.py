"""The views and figures of chapter 01."""
