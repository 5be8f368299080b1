"""Putting the overview together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.kit.errors import FieldProblem
from sbs_server.kit.http.explained import Explained, explain, explain_problem
from sbs_server.kit.i18n import Locale
from sbs_server.models import Repository
from sbs_server.overview import repository as query
from sbs_server.overview.rules import RULES, Rule
from sbs_server.overview.schemas import (
    AttentionCount,
    AttentionItem,
    DayOfRuns,
    Gravity,
    ObjectKind,
    Overview,
    RepositoryCounts,
    RunCounts,
)
from sbs_server.repositories import repository as repositories
from sbs_server.repositories.spaces import Finding, Spaces
from sbs_server.repositories.trials import Space

MOST_ITEMS = 100
_GIB = 1024**3
# Of its size, but not more than so much: a tenth of a large disk is a lot of room.
_LOW = (0.10, 50 * _GIB)
_OUT = (0.02, 5 * _GIB)
_NOT_PARAMETERS = {"id", "since", "run_id", "total"}
_ORDER = list(Gravity)
_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Attention:
    """What was found so far."""

    locale: Locale
    items: list[AttentionItem] = field(default_factory=list)
    counts: list[AttentionCount] = field(default_factory=list)

    def add(self, rule: Rule, rows: Sequence[RowMapping]) -> None:
        """The rows that a rule is true of."""
        if rows:
            total = rows[0]["total"]
            self.counts.append(
                AttentionCount(code=f"attention.{rule.code}", gravity=rule.gravity, count=total)
            )
        self.items += [_item(rule, row, self.locale) for row in rows]

    def add_places(self, rows: Sequence[Repository], found: dict[UUID, Finding]) -> int:
        """Repositories whose disk is full or can't be used; gives back how many."""
        items = [item for row in rows if (item := _place(row, found.get(row.id), self.locale)) is not None]
        for code in dict.fromkeys(item.code for item in items):
            same = [item for item in items if item.code == code]
            self.counts.append(AttentionCount(code=code, gravity=same[0].gravity, count=len(same)))
        self.items += items
        return len(items)

    def gravest(self) -> list[AttentionItem]:
        def key(item: AttentionItem) -> tuple[int, datetime, str]:
            return _ORDER.index(item.gravity), item.since or _LAST, str(item.object_id)

        return sorted(self.items, key=key)[:MOST_ITEMS]


async def overview(session: AsyncSession, spaces: Spaces, time_zone: str, locale: Locale) -> Overview:
    """How an organization stands. `time_zone`: whose days the runs are counted by."""
    now, today = await query.today(session, time_zone)
    attention = _Attention(locale)
    for rule in RULES:
        attention.add(rule, await query.matches(session, rule, MOST_ITEMS))
    living = await repositories.living(session)
    with_problem = attention.add_places(living, await spaces.of(living))
    return Overview(
        generated_at=now,
        time_zone=time_zone,
        attention=attention.gravest(),
        attention_counts=sorted(attention.counts, key=lambda one: _ORDER.index(one.gravity)),
        agents=await query.agents(session),
        jobs=await query.jobs(session),
        repositories=RepositoryCounts(total=len(living), with_problem=with_problem),
        snapshots=await query.snapshots(session),
        open_runs=await query.open_runs(session),
        runs_last_24h=RunCounts.of(await query.runs_last_24h(session)),
        days=await _days(session, today, time_zone),
    )


async def _days(session: AsyncSession, today: date, time_zone: str) -> list[DayOfRuns]:
    first = today - timedelta(days=query.DAYS - 1)
    found = await query.runs_by_day(session, first, time_zone)
    days = [first + timedelta(days=number) for number in range(query.DAYS)]
    return [DayOfRuns(day=day, runs=RunCounts.of(found.get(day, {}))) for day in days]


def _item(rule: Rule, row: RowMapping, locale: Locale) -> AttentionItem:
    params = {name: value for name, value in row.items() if name not in _NOT_PARAMETERS}
    said = explain(locale, f"attention.{rule.code}", **params)
    return AttentionItem(
        **said.model_dump(),
        gravity=rule.gravity,
        since=row["since"],
        object_kind=rule.kind,
        object_id=row["id"],
        object_name=row["name"],
        run_id=row.get("run_id"),
        agents_affected=row.get("agents"),
    )


def _place(row: Repository, found: Finding | None, locale: Locale) -> AttentionItem | None:
    for gravity, said in _place_trouble(row, found, locale):
        return AttentionItem(
            **said.model_dump(),
            gravity=gravity,
            since=None,
            object_kind=ObjectKind.REPOSITORY,
            object_id=row.id,
            object_name=row.name,
        )
    return None


def _place_trouble(
    row: Repository, found: Finding | None, locale: Locale
) -> Iterator[tuple[Gravity, Explained]]:
    if isinstance(found, FieldProblem):
        yield Gravity.CRITICAL, explain_problem(locale, found)
    elif isinstance(found, Space):
        free_gib = f"{found.free_bytes / _GIB:.1f}"
        if _is_below(found, *_OUT):
            yield Gravity.CRITICAL, explain(locale, "attention.space_out", name=row.name, free_gib=free_gib)
        elif _is_below(found, *_LOW):
            yield Gravity.WARNING, explain(locale, "attention.space_low", name=row.name, free_gib=free_gib)


def _is_below(space: Space, share: float, most_bytes: int) -> bool:
    return space.free_bytes < min(space.total_bytes * share, most_bytes)
