"""Schedules: a job's cron text as a Temporal Schedule."""
