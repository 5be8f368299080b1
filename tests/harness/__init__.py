"""The whole platform with real agents, as tests use it."""
