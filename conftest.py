"""For tests and notebooks alike: limits, and stored outputs compared with those of the run."""

pytest_plugins = ["tests.limits", "tests.stored"]
