"""Job rows: what long work is under way, in whichever process, how far it is, and whether it should stop."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.engine import Connection, Row

from indexer import catalogue as c
from indexer.records import Report

RUNNING = ("queued", "running")


@dataclass(frozen=True, slots=True)
class Job:
    """Long work: `state` is queued, running, done, failed, cancelled, or lost (its process is gone)."""

    id: int
    kind: str
    target: str
    state: str
    pid: int
    done: int
    total: int
    cancel: bool
    error: str
    details: dict[str, Any]
    created: str
    updated: str


def create(connection: Connection, kind: str, target: str, *, state: str = "running", total: int = 0) -> int:
    """A new job of this process; its id."""
    made = connection.execute(insert(c.job).values(
        kind=kind, target=target, state=state, pid=os.getpid(), total=total, created=c.now(), updated=c.now(),
        details={},
    ))  # fmt: skip
    return c.new_id(made)


def beat(connection: Connection, job: int, *, done: int, total: int = 0, pid: int = 0) -> bool:
    """Note how far a job is; whether somebody asked it to stop."""
    values: dict[str, Any] = {"done": done, "updated": c.now()}
    values |= {"total": total} if total else {}
    values |= {"pid": pid} if pid else {}
    connection.execute(update(c.job).where(c.job.c.id == job).values(**values))
    return bool(connection.execute(select(c.job.c.cancel).where(c.job.c.id == job)).scalar())


def end(
    connection: Connection, job: int, state: str, *, error: str = "", details: dict[str, Any] | None = None
) -> None:
    """Close a job."""
    values = {"state": state, "error": error, "details": details or {}, "updated": c.now()}
    connection.execute(update(c.job).where(c.job.c.id == job).values(**values))


@contextmanager
def ending(
    close: Callable[[str, str], None], report: Report | None = None, *, quits: tuple[type[BaseException], ...] = ()
) -> Iterator[None]:
    """Tell `close` how the work inside ended, as a job's state and error: also by a caller that asks no further.

    Work that was asked to stop says so in its `report`, or by an exception of `quits`, which goes no further.
    """
    state, error = "failed", ""
    try:
        yield
        state = "cancelled" if report is not None and report.stopped else "done"
    except GeneratorExit:
        state = "cancelled"
        raise
    except quits:
        state = "cancelled"
    except BaseException as reason:
        error = str(reason) or type(reason).__name__
        raise
    finally:
        close(state, error)


def cancel(connection: Connection, job: int) -> None:
    """Ask a job to stop; it does so after its current batch."""
    connection.execute(update(c.job).where(c.job.c.id == job, c.job.c.state.in_(RUNNING)).values(cancel=True))


def every(connection: Connection, *, limit: int = 50, running: bool = False) -> list[Job]:
    """Jobs, newest first. One whose process is gone is shown as lost."""
    wanted = select(c.job).order_by(c.job.c.id.desc()).limit(limit)
    if running:
        wanted = wanted.where(c.job.c.state.in_(RUNNING))
    found = [_job(row) for row in connection.execute(wanted)]
    return [job for job in found if job.state != "lost"] if running else found


def mark_lost(connection: Connection) -> int:
    """Close the jobs whose process is gone; how many there were."""
    lost = [job.id for job in every(connection, limit=1000) if job.state == "lost"]
    if lost:
        values = {"state": "lost", "error": "the process ended before the work did", "updated": c.now()}
        open_ = update(c.job).where(c.job.c.id.in_(lost), c.job.c.state.in_(RUNNING))
        return connection.execute(open_.values(**values)).rowcount
    return 0


def _job(row: Row[Any]) -> Job:
    values = dict(row._mapping)
    values["details"] = values["details"] or {}
    if row.state in RUNNING and not alive(row.pid):
        values["state"] = "lost"
    return Job(**values)


def alive(pid: int) -> bool:
    """Whether a process of this number runs on this machine."""
    if pid <= 0:
        return False
    if sys.platform == "win32":  # signal 0 is no question there
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
