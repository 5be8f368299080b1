"""What counts as worth attention, as queries: each rule is a code, how grave it is, and the rows it is true of.

A query gives `id`, `name`, `since`, and where there is one `run_id` and `agents` (how many agents of a job it is
about); its other columns fill the placeholders of the message `attention.<code>`. Row-level security keeps it inside
the organization. Words of states are written out: the partial indexes made for these queries want them so.
"""

from dataclasses import dataclass

from sbs_server.overview.schemas import Gravity, ObjectKind

_AWAY = "FROM agent WHERE state = 'active' AND NOT connected"
_CERTIFICATES = """
    FROM agent a CROSS JOIN LATERAL (
      SELECT max(c.not_after) AS ends FROM agent_certificate c
      WHERE c.agent_id = a.id AND c.revoked_at IS NULL
    ) newest WHERE a.state = 'active'
"""
# What one job does for an agent that it still has and that can still work.
_DATASETS = """
    SELECT j.id, j.name, min(d.last_finished_at) AS since, count(*) AS agents,
           (array_agg(d.last_run_id ORDER BY d.last_finished_at DESC))[1] AS run_id
    FROM dataset d
    JOIN job j ON j.id = d.job_id AND j.deleted_at IS NULL
    JOIN job_agent ja ON ja.job_id = d.job_id AND ja.agent_id = d.agent_id
    JOIN agent a ON a.id = d.agent_id AND a.state = 'active'
    WHERE d.last_state IN ('failed', 'partial', 'completed_with_warnings') AND {which}
    GROUP BY j.id, j.name
"""
# The newest restore of a snapshot to a machine says how it stands; after a week it is known, or nobody waits for it.
_RESTORES = """
    SELECT r.id, a.name, r.finished_at AS since, r.id AS run_id
    FROM run r JOIN restore asked ON asked.run_id = r.id JOIN agent a ON a.id = r.agent_id
    WHERE r.kind = 'restore' AND r.state IN ('failed', 'completed_with_warnings') AND {which}
      AND r.finished_at > now() - interval '7 days' AND NOT EXISTS (
        SELECT 1 FROM run later JOIN restore again ON again.run_id = later.id
        WHERE later.kind = 'restore' AND later.agent_id = r.agent_id AND again.snapshot_id = asked.snapshot_id
          AND later.created_at > r.created_at AND later.state NOT IN ('waiting', 'running', 'cancelled'))
"""
_IN_FORCE = "FROM job WHERE deleted_at IS NULL AND NOT paused AND cron IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Rule:
    """`code` without `attention.`."""

    code: str
    gravity: Gravity
    kind: ObjectKind
    sql: str


RULES: tuple[Rule, ...] = (
    Rule(
        "agent_silent_long",
        Gravity.CRITICAL,
        ObjectKind.AGENT,
        f"SELECT id, name, last_seen_at AS since {_AWAY} AND last_seen_at < now() - interval '7 days'",
    ),
    Rule(
        "agent_silent",
        Gravity.WARNING,
        ObjectKind.AGENT,
        f"SELECT id, name, last_seen_at AS since {_AWAY} AND last_seen_at >= now() - interval '7 days'"
        " AND last_seen_at < now() - interval '1 day'",
    ),
    Rule(
        "agent_never_connected",
        Gravity.WARNING,
        ObjectKind.AGENT,
        f"SELECT id, name, created_at AS since {_AWAY} AND last_seen_at IS NULL"
        " AND created_at < now() - interval '15 minutes'",
    ),
    Rule(
        "certificate_expired",
        Gravity.CRITICAL,
        ObjectKind.AGENT,
        f"SELECT a.id, a.name, newest.ends AS since {_CERTIFICATES} AND newest.ends < now()",
    ),
    Rule(
        "certificate_expiring",
        Gravity.WARNING,
        ObjectKind.AGENT,
        f"""
        SELECT a.id, a.name, newest.ends - interval '14 days' AS since,
               ceil(extract(epoch FROM newest.ends - now()) / 86400)::int AS days
        {_CERTIFICATES} AND newest.ends >= now() AND newest.ends < now() + interval '14 days'
        """,  # noqa: S608 - our own words
    ),
    Rule(
        "run_lost",
        Gravity.CRITICAL,
        ObjectKind.RUN,
        """
        SELECT r.id, a.name, r.finished_at AS since, r.id AS run_id FROM run r JOIN agent a ON a.id = r.agent_id
        WHERE r.error_code = 'workflow_lost' AND r.kind = 'restore' AND r.finished_at > now() - interval '1 day'
        UNION ALL
        SELECT d.last_run_id, j.name, d.last_finished_at, d.last_run_id
        FROM dataset d JOIN job j ON j.id = d.job_id AND j.deleted_at IS NULL
        WHERE d.last_state IN ('failed', 'partial', 'completed_with_warnings')
          AND d.last_error_code = 'workflow_lost'
        """,
    ),
    Rule(
        "restore_failed",
        Gravity.CRITICAL,
        ObjectKind.RUN,
        _RESTORES.format(which="r.state = 'failed' AND r.error_code IS DISTINCT FROM 'workflow_lost'"),
    ),
    Rule(
        "restore_warnings",
        Gravity.WARNING,
        ObjectKind.RUN,
        _RESTORES.format(which="r.state = 'completed_with_warnings'"),
    ),
    Rule(
        "job_failed",
        Gravity.CRITICAL,
        ObjectKind.JOB,
        _DATASETS.format(
            which="d.last_state = 'failed' AND d.last_error_code IS DISTINCT FROM 'workflow_lost'"
        ),
    ),
    Rule("job_partial", Gravity.WARNING, ObjectKind.JOB, _DATASETS.format(which="d.last_state = 'partial'")),
    Rule(
        "job_warnings",
        Gravity.NOTICE,
        ObjectKind.JOB,
        _DATASETS.format(which="d.last_state = 'completed_with_warnings'"),
    ),
    Rule(
        "job_overdue",
        Gravity.WARNING,
        ObjectKind.JOB,
        # As long as `jobs.due.GRACE`.
        f"SELECT id, name, next_due_at AS since {_IN_FORCE} AND next_due_at < now() - interval '10 minutes'",
    ),
    Rule(
        "job_without_agent",
        Gravity.WARNING,
        ObjectKind.JOB,
        "SELECT j.id, j.name, j.updated_at AS since FROM job j WHERE j.deleted_at IS NULL AND NOT EXISTS ("
        "SELECT 1 FROM job_agent ja JOIN agent a ON a.id = ja.agent_id"
        " WHERE ja.job_id = j.id AND a.state = 'active')",
    ),
    Rule(
        "job_never_run",
        Gravity.NOTICE,
        ObjectKind.JOB,
        "SELECT j.id, j.name, j.created_at AS since FROM job j WHERE j.deleted_at IS NULL"
        " AND j.next_due_at IS NULL AND j.created_at < now() - interval '1 day'"
        " AND NOT EXISTS (SELECT 1 FROM run r WHERE r.job_id = j.id)",
    ),
    Rule(
        "repository_quarantined",
        Gravity.WARNING,
        ObjectKind.REPOSITORY,
        "SELECT r.id, r.name, min(rr.updated_at) AS since, count(*) AS agents"
        " FROM restic_repository rr JOIN repository r ON r.id = rr.repository_id AND r.deleted_at IS NULL"
        " WHERE rr.state = 'quarantined' GROUP BY r.id, r.name",
    ),
)
