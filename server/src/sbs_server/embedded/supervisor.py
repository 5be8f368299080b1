"""The supervisor: one task for each component, from its needs to its end."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Mapping, Sequence

from sbs_server.config import Settings
from sbs_server.embedded.children import Child, Children
from sbs_server.embedded.component import Component, Context
from sbs_server.embedded.errors import EmbeddedError, StartFailedError
from sbs_server.embedded.layout import DataDirectory
from sbs_server.embedded.maintenance import Maintenance
from sbs_server.embedded.state import StateBoard

_LOG = logging.getLogger("sbs.supervisor")

_BACKOFF_FIRST_S = 0.2
_BACKOFF_MOST_S = 30.0
_STEADY_S = 60.0
_READY_POLL_S = 0.1
# A component that ends that often before it was ever ready will not get ready.
_ATTEMPTS = 3


class Supervisor:
    """Runs the chosen components until it is told to stop."""

    def __init__(
        self,
        settings: Settings,
        directory: DataDirectory,
        ports: Mapping[str, int],
        components: Sequence[Component],
        board: StateBoard,
        *,
        lifeline: int | None = None,
    ) -> None:
        """`lifeline`: a descriptor to read from; its end (whoever holds the other side has gone) stops us."""
        self._directory = directory
        self._components = {component.name: component for component in components}
        self._board = board
        self._lifeline = lifeline
        self._children = Children(directory)
        self._context = Context(settings, directory, ports, self._children.run_step)
        self._running: dict[str, Child] = {}
        self._ready = {name: asyncio.Event() for name in self._components}
        self._stop = asyncio.Event()
        self._impatient = asyncio.Event()
        self._maintenance = Maintenance(settings, directory, self.reload)

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Start everything, call `on_ready`, keep it running, return after a stop signal when all has ended.

        Errors: StartFailedError and other EmbeddedErrors if it could not be started (then all has ended too).
        """
        self._handle_signals()
        for name, component in self._components.items():
            self._board.add(name, self._context.ports[component.ports[0]] if component.ports else None)
        try:
            await self._until_stopped(on_ready)
        finally:
            await self._stop_all()

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGCHLD, self._children.collect)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._asked_to_stop, signal.Signals(number).name)
        if self._lifeline is not None:
            loop.add_reader(self._lifeline, self._lifeline_ended)

    def _lifeline_ended(self) -> None:
        if self._lifeline is not None:
            asyncio.get_running_loop().remove_reader(self._lifeline)
            self._asked_to_stop("end of the lifeline")

    def _asked_to_stop(self, why: str) -> None:
        _LOG.info("%s: stopping", why)
        if self._stop.is_set():
            self._impatient.set()
        self._stop.set()

    async def _until_stopped(self, on_ready: Callable[[], None]) -> None:
        stop = asyncio.create_task(self._stop.wait())
        tasks = {asyncio.create_task(self._supervise(one)) for one in self._components.values()}
        tasks.add(asyncio.create_task(self._announce(on_ready)))
        tasks.add(asyncio.create_task(self._children.sweep()))
        tasks.add(asyncio.create_task(self._maintenance.run()))
        try:
            while not stop.done():
                done, _ = await asyncio.wait({stop, *tasks}, return_when=asyncio.FIRST_COMPLETED)
                for task in done - {stop}:
                    tasks.discard(task)
                    task.result()  # raises what the task raised
        finally:
            for task in (stop, *tasks):
                task.cancel()
            await asyncio.gather(stop, *tasks, return_exceptions=True)

    async def _announce(self, on_ready: Callable[[], None]) -> None:
        for event in self._ready.values():
            await event.wait()
        _LOG.info("everything is ready")
        on_ready()

    async def _supervise(self, component: Component) -> None:
        for need in component.needs:
            if need in self._ready:
                await self._ready[need].wait()
        self._board.change(component.name, "preparing")
        try:
            await component.prepare(self._context)
            if component.one_shot:
                await self._once(component)
            else:
                await self._keep_running(component)
        except (EmbeddedError, OSError) as error:
            self._board.change(component.name, "failed", detail=str(error))
            _LOG.exception("%s failed", component.name)
            if isinstance(error, EmbeddedError):
                raise
            raise StartFailedError(component.name, str(error), self._directory.log(component.name)) from error

    async def _once(self, component: Component) -> None:
        self._board.change(component.name, "starting")
        code = await self._children.run_step(component.command(self._context), component.name)
        if code != 0:
            raise StartFailedError(component.name, _ended(code), self._directory.log(component.name))
        await component.after_ready(self._context)
        self._board.change(component.name, "done")
        self._ready[component.name].set()

    async def _keep_running(self, component: Component) -> None:
        delay_s, attempts, restarts = _BACKOFF_FIRST_S, 0, 0
        while True:
            begin = time.monotonic()
            code = await self._one_life(component, restarts)
            attempts += 1
            if not self._ready[component.name].is_set() and attempts >= _ATTEMPTS:
                raise StartFailedError(component.name, _ended(code), self._directory.log(component.name))
            if time.monotonic() - begin > _STEADY_S:
                delay_s = _BACKOFF_FIRST_S
            restarts += 1
            detail = f"{_ended(code)}; again in {delay_s:.1f} s"
            _LOG.warning("%s: %s", component.name, detail)
            self._board.change(component.name, "restarting", pid=None, restarts=restarts, detail=detail)
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, _BACKOFF_MOST_S)

    async def _one_life(self, component: Component, restarts: int) -> int:
        """From its start to its end; returns the exit code."""
        child = self._children.start(
            component.name,
            component.command(self._context),
            stop_signal=component.stop_signal,
            stop_timeout_s=component.stop_timeout_s,
        )
        self._running[component.name] = child
        self._board.change(component.name, "starting", pid=child.pid, restarts=restarts, detail="")
        end = asyncio.create_task(child.wait())
        ready = asyncio.create_task(self._get_ready(component))
        try:
            await asyncio.wait({end, ready}, return_when=asyncio.FIRST_COMPLETED)
            if ready.done():
                await self._declare_ready(component, child, ready)
            code = await end
        finally:
            for task in (end, ready):
                task.cancel()
            await asyncio.gather(end, ready, return_exceptions=True)
        self._running.pop(component.name, None)
        self._children.forget(component.name)
        return code

    async def _declare_ready(self, component: Component, child: Child, ready: asyncio.Task[bool]) -> None:
        if not ready.result():
            _LOG.error("%s was not ready after %s s", component.name, component.start_timeout_s)
            if not self._ready[component.name].is_set():
                reason = f"was not ready after {component.start_timeout_s:.0f} s"
                raise StartFailedError(component.name, reason, self._directory.log(component.name))
            await child.stop(self._impatient)
            return
        self._board.change(component.name, "ready", pid=child.pid)
        _LOG.info("%s is ready (pid %s)", component.name, child.pid)
        self._ready[component.name].set()

    async def _get_ready(self, component: Component) -> bool:
        """Whether it has become ready in its time, its first work as a ready component included."""
        try:
            async with asyncio.timeout(component.start_timeout_s):
                while component.ready is not None and not await component.ready(self._context):  # noqa: ASYNC110 - of another process
                    await asyncio.sleep(_READY_POLL_S)
                if not self._ready[component.name].is_set():
                    await component.after_ready(self._context)
        except TimeoutError:
            return False
        return True

    def reload(self, names: Sequence[str]) -> None:
        """Tell running components to read their certificates again."""
        for name in names:
            child, component = self._running.get(name), self._components.get(name)
            if child is not None and component is not None and component.reload_signal is not None:
                child.send(component.reload_signal)

    async def _stop_all(self) -> None:
        sweep = asyncio.create_task(self._children.sweep())
        stopping: dict[str, asyncio.Task[None]] = {}
        # The table lists needs before what needs them, so that in reverse every dependent has its task already.
        for name in reversed(self._components):
            before = [task for other, task in stopping.items() if name in self._components[other].needs]
            stopping[name] = asyncio.create_task(self._stop_one(name, before))
        await asyncio.gather(*stopping.values())
        sweep.cancel()
        _LOG.info("everything has ended")

    async def _stop_one(self, name: str, before: Sequence[asyncio.Task[None]]) -> None:
        if before:
            await asyncio.wait(before)
        child = self._running.pop(name, None)
        failed = self._board.rows[name].state == "failed"
        if child is not None:
            if not failed:
                self._board.change(name, "stopping")
            code = await child.stop(self._impatient)
            _LOG.info("%s: %s", name, _ended(code))
            self._children.forget(name)
        if not failed:
            self._board.change(name, "stopped", pid=None)


def _ended(code: int) -> str:
    if code < 0:
        return f"ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
