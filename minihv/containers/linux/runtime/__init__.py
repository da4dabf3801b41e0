"""Containers that run programs: an image's layers, in namespaces of their own, with limits.

    spec       what a container is to be
    first      its first process, up to the exec of its command
    starting   its folders, limits and namespaces; hands the rest to its first process
    records    what is known of it, and what is tidied up after it
    attached   in the foreground of `minihv container run`
    session, service     for programs and notebooks: their side, and the helper's
"""
