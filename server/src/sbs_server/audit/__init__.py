"""The audit log: an append-only chain of acts for each organization, and one for the platform."""
