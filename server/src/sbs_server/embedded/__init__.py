"""The whole platform on one machine: `sbs up`, without a container engine.

A supervisor starts PostgreSQL, Valkey, NATS, Temporal, the roles and Traefik in order, waits until each is
ready, restarts what dies, stops them in reverse and leaves no process behind.
"""
