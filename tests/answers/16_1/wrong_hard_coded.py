"""The container's filter of the chapter, by heart."""
# says: extra
# seeds: 2, 77


def allowed(filter, numbers, arch, argument):
    return list(numbers)
