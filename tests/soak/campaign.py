"""What the campaigns of reloads share: a server under load, what it leaves, how a run ends."""

import asyncio
import contextlib
import json
import os
import shutil
import sys


class Failure(Exception):
    pass


def put(source, folder, name):
    """Installs a plugin like a package manager: a new file under the old name."""
    shutil.copy(source, f"{folder}/{name}.new")
    os.rename(f"{folder}/{name}.new", f"{folder}/{name}")


@contextlib.asynccontextmanager
async def running(weir, scratch, app):
    """The process of `weir run` with this app, until the block ends; its log is scratch/log.

    Requires that the process ends well when it is told to. Shows the end of the log if the block
    or that fails."""
    with open(f"{scratch}/app.json", "w", encoding="ascii") as file:
        json.dump(app, file)
    with open(f"{scratch}/log", "wb") as log:
        server = await asyncio.create_subprocess_exec(
            f"{weir}/weir", "run", f"{scratch}/app.json", stdout=log, stderr=log,
            env={**os.environ, "XDG_RUNTIME_DIR": scratch, "XDG_STATE_HOME": scratch})
    try:
        yield server
        server.terminate()
        if await asyncio.wait_for(server.wait(), 60) != 0:
            raise Failure(f"the server ended with {server.returncode}")
    except BaseException:
        with open(f"{scratch}/log", encoding="utf-8", errors="replace") as log:
            sys.stderr.write(log.read()[-12000:])
        raise
    finally:
        if server.returncode is None:
            server.kill()
            await server.wait()


async def until(holds, what):
    """Waits at most half a minute; `what()` says then what does not hold."""
    for _ in range(1500):
        if holds():
            return
        await asyncio.sleep(0.02)
    raise Failure(what())


async def started(server, holds):
    """Waits until it holds, as long as the server runs."""
    await until(lambda: server.returncode is not None or holds(),
                lambda: "the server does not come up")
    if server.returncode is not None:
        raise Failure("the server does not start")


async def finished(reloading, jobs):
    """Returns the result of the task that reloads; raises what a job raises meanwhile."""
    done, _ = await asyncio.wait([reloading, *jobs], return_when=asyncio.FIRST_COMPLETED)
    for job in done - {reloading}:
        job.result()
    return await reloading


def libraries(server):
    """Returns the copies of plugins in memory, and the number of all mappings."""
    with open(f"/proc/{server.pid}/maps", encoding="utf-8") as maps:
        lines = maps.read().splitlines()
    return sorted({line.split(maxsplit=5)[5] for line in lines if "/weir-" in line}), len(lines)


async def no_old_versions(server, args, count):
    """Waits until no more than `count` libraries of plugins are in memory."""
    await until(lambda: args.kept or len(libraries(server)[0]) <= count,
                lambda: f"old versions stay in memory: {libraries(server)[0]}")


def memory(server):
    """Returns the resident memory in KiB."""
    with open(f"/proc/{server.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def main(run, parser):
    """Runs the campaign with the options of the command line, and those that all campaigns have."""
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kept", action="store_true",
                        help="expect libraries to stay, as under a sanitizer")
    args = parser.parse_args()
    try:
        asyncio.run(run(args))
    except Failure as failure:
        sys.exit(f"seed {args.seed}: {failure}")
