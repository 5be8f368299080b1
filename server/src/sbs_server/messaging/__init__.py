"""The bus: the outbox and its relay, NATS connections, agents' subjects, presence."""
