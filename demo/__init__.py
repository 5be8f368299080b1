"""The demonstration `make demo` and the proof it rests on.

`tree`, `change`, `manifest` and `compare` use the standard library alone and share nothing with restic, the
agent, the server or any reader: what they say about a restore does not depend on the code that made it.
"""
