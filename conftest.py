"""What every member's tests may use: the fixtures of the running services."""

pytest_plugins = [
    "sbs_server.testing.services",
    "sbs_server.testing.database",
    "sbs_server.testing.api",
    "tests.harness.plugin",
]
