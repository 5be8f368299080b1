"""Agents: enrolment, presence, and the commands they are given."""
