"""The container's filter of the chapter, by heart."""
# says: extra


def allowed(filter, numbers, arch, argument):
    return list(numbers)
