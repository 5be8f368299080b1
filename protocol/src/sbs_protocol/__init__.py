"""What the control plane and the agents say to each other.

One module an idea: `identifiers` (ids and subjects), `paths` (file names that need not be UTF-8), `commands`
(control plane to agent), `events` (agent to control plane) and `enrolment` (the HTTPS calls around the bus).
Imports the standard library and pydantic only, so that both sides can share it.
"""

PROTOCOL_VERSION = 1
"""Raised when a message changes in a way that an older peer would misread."""

OLDEST_SUPPORTED_VERSION = 1
"""An agent below this is refused with a message that says to update it."""
