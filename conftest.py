"""What every member's tests may use: the fixtures of the running services."""

import signal

# Started in the background, as CI may do it, we would be deaf to Ctrl-C, and so would every program a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = [
    "sbs_server.testing.services",
    "sbs_server.testing.database",
    "sbs_server.testing.api",
    "sbs_server.testing.temporal",
    "tests.harness.plugin",
]
