"""The exercises, a package for each chapter: its EXERCISES are what `check` knows."""
