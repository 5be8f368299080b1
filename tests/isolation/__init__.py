"""Tenants can't see, change or disturb each other: in the database, over the API, as agents."""
