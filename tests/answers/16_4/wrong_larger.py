"""Takes the larger limit."""
# says: larger

from tests.answers.variants import variant

globals().update(variant("16.4", ('if by_memory <= by_time:', 'if by_memory > by_time:')))
