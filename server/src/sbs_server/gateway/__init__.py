"""The repository gateway: restic's REST protocol in front of local repositories.

An agent reaches only its own repositories, and there it may read, add new objects and remove its own locks.
"""
