"""What can go wrong on the bus.

MessagingError
├── NotConnectedError         NATS can't be reached just now; the connection is being made again
├── ConsumerGoneError         a JetStream consumer was deleted under us; made again with the next connection
├── AgentRefusedError         a connection that is not let in (the reason is for our log, not for the client)
├── UnreadableEventError      an agent's message that no repetition makes readable: parked
└── EffectError               a row of the outbox that was not carried out
    ├── PassingEffectError    somebody is down: tried again for ever
    └── PoisonEffectError     the row itself is wrong: parked after some attempts
"""


class MessagingError(Exception):
    """Base of everything this package raises. Messages carry no secrets: they end up in logs and in rows."""


class NotConnectedError(MessagingError):
    """There is no connection to NATS now."""


class ConsumerGoneError(MessagingError):
    """A JetStream consumer is not there any more."""


class AgentRefusedError(MessagingError):
    """This connection is not let in."""


class UnreadableEventError(MessagingError):
    """A message that can't be handled, however often it comes."""


class EffectError(MessagingError):
    """An effect was not carried out."""


class PassingEffectError(EffectError):
    """Not now; nothing is wrong with the row."""


class PoisonEffectError(EffectError):
    """Not like this: repeating it alone will hardly help."""
