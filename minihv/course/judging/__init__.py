"""`minihv check`: notebooks run apart, and judged from outside."""
