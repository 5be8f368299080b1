"""What tests of the agent stand on: an authority, a control plane's HTTPS side, NATS, the agent's process.

Not part of the wheel. It is a package of its own, and not a folder of the tests, so that every test can import it
by one name.
"""
