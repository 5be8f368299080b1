"""PostgreSQL: the base of all tables, tenant sessions, row-level-security policies."""
