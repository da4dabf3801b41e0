"""Chapter 04, hardware assistance."""
