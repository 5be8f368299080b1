"""Domain-free parts: database, HTTP habits, errors, ids, keys. Imports no domain and no model."""
