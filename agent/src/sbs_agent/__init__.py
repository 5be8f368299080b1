"""The agent: enrols a machine, takes commands from the control plane, runs restic, reports what happened.

It connects out only: HTTPS for enrolment, renewal and secrets, NATS over mutual TLS for everything else.
"""

__version__ = "2.5.0"
