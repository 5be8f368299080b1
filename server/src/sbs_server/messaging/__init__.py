"""The bus: connections to NATS, who is let in with which subjects, agents' events, the outbox and its relay."""
