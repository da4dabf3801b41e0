"""Never lets S-mode touch user pages."""
# says: sum

from tests.answers.variants import variant

globals().update(variant("01.2", ('(access == "fetch" or not sum_)', "True")))
