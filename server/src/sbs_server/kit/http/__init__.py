"""The habits of our HTTP APIs: problem+json, cursors, ETags, idempotency keys, one transaction a request."""
