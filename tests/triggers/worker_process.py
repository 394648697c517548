"""A worker as a process of its own, to be killed: `python -m tests.triggers.worker_process URL FOLDER [options]`.

The channel and the journal of steps are files in FOLDER, shared by all workers of one test.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sys
from pathlib import Path

from config.logging import configure_logging
from tests.triggers.parts import settings_for
from triggers.fake_investigator import ScriptedInvestigator
from triggers.fake_publisher import SharedChannel
from triggers.messages import Message
from triggers.wiring import build_store, build_worker


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.2)
    parser.add_argument("--lease", type=float, default=1.0)
    parser.add_argument("--concurrency", type=int, default=2)
    parser.add_argument("--die-after-post", type=float, default=0.0, help="probability of kill -9 after a post")
    parser.add_argument("--attempts", type=int, default=50)
    options = parser.parse_args()
    configure_logging()

    def between(_: Message) -> None:
        if random.random() < options.die_after_post:
            os.kill(os.getpid(), signal.SIGKILL)

    channel = SharedChannel(options.folder / "channel.db", between=between)
    worker = {"lease_seconds": options.lease, "concurrency": options.concurrency, "max_attempts": options.attempts}
    store = build_store(settings_for(options.url, worker=worker), publishers=(channel,))
    investigator = ScriptedInvestigator(steps=options.steps, seconds=options.seconds,
                                        journal=options.folder / "journal.txt")
    asyncio.run(_serve(build_worker(store, investigator)))
    store.close()


async def _serve(process: object) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await process.run(stop)  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
