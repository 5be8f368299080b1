"""The name of the session cookie: by itself, so that the command line does not load a web server for it."""

SESSION_COOKIE = "__Host-sbs_session"
