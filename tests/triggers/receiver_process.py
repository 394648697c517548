"""The HTTP door as a process of its own: `python -m tests.triggers.receiver_process URL PORT [CHANNEL]`."""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn

from tests.triggers.parts import settings_for
from triggers.fake_publisher import SharedChannel
from triggers.wiring import build_app, build_store


def main() -> None:
    """With a channel the door announces what its own correlator opens, as one with the workers' settings would."""
    channels = tuple(SharedChannel(Path(path)) for path in sys.argv[3:])
    store = build_store(settings_for(sys.argv[1]), publishers=channels)
    uvicorn.run(build_app(store), host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", access_log=False)
    store.close()


if __name__ == "__main__":
    main()
