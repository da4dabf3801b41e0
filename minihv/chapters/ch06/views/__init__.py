"""The views and figures of chapter 06."""
