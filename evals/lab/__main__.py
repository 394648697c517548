"""`python -m evals.lab SCENARIO --out DIR` records a case, `… campaign S1 S2 --out DIR` several side by side.

Wrong usage exits with 2, a case that could not be recorded with 1.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
from docker.errors import DockerException

from config.errors import ConfigError, CulpritError
from evals.lab.engine import ensure_engine
from evals.lab.images import default_cache, ensure_programs, ensure_root
from evals.lab.moments import iso
from evals.lab.plot import Plot, free_plots
from evals.lab.record import record
from evals.lab.scenario import Scenario
from evals.lab.scenarios import SCENARIOS, scenario_named

log = logging.getLogger("evals.lab")


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 when every case was written, 1 when one was not, 2 for wrong usage."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    if options.scenario == "list":
        sys.stdout.write(
            "".join(f"{s.id:<10}{s.family:<6}{s.length_s / 60:>5.1f} min  {s.title['en']}\n" for s in SCENARIOS)
        )
        return 0
    if options.out is None:
        _parser().error("--out is required")
    names = options.more if options.scenario == "campaign" else [options.scenario, *options.more]
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())  # every lab takes itself down
    try:
        return _record_all([scenario_named(name) for name in names], options, stop)
    except CulpritError as error:
        log.error("%s", error)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evals.lab", description=__doc__)
    parser.add_argument("scenario", help="a scenario's id, `campaign` or `list`")
    parser.add_argument("more", nargs="*", help="scenarios of a campaign")
    parser.add_argument("--out", type=Path, help="folder that receives a folder per scenario")
    parser.add_argument("--cache", type=Path, default=default_cache(), help="where the root file system is kept")
    parser.add_argument("--mirror", default="", help="Debian mirror for the first run (else debootstrap's own)")
    parser.add_argument("--campaign", default="", help="name written into case.yaml")
    return parser


def _record_all(scenarios: list[Scenario], options: argparse.Namespace, stop: threading.Event) -> int:
    _check(scenarios, options.out)
    with tempfile.TemporaryDirectory(prefix="lab-engine-") as folder:
        client, engine = ensure_engine(Path(folder) / "dockerd.log")
        try:
            ensure_root(client, options.cache, options.mirror)
            ensure_programs(client)
            plots = free_plots(len(scenarios), _subnets(client))
            if len(plots) < len(scenarios):
                raise ConfigError("not enough free port blocks and subnets for this campaign")
            with ThreadPoolExecutor(len(scenarios)) as pool:
                outcomes = list(
                    pool.map(
                        lambda pair: _one(pair[0], pair[1], client, options, stop),
                        zip(scenarios, plots, strict=True),
                    )
                )
        finally:
            if engine is not None:
                engine.terminate()
                engine.wait(timeout=30)
    return 0 if all(outcomes) else 1


def _check(scenarios: list[Scenario], out: Path) -> None:
    spellings = [s.names.network for s in scenarios]
    if len(set(spellings)) < len(spellings):
        raise ConfigError("two scenarios of the campaign spell their containers alike; run them one after the other")
    if len(scenarios) > 1 and any(s.alone for s in scenarios):
        raise ConfigError(f"{', '.join(s.id for s in scenarios if s.alone)} takes the whole CPU: record it alone")
    taken = [s.id for s in scenarios if (out / s.id).exists()]
    if taken:
        raise ConfigError(f"{out} holds {', '.join(taken)} already; remove it first")


def _subnets(client: docker.DockerClient) -> frozenset[str]:
    networks = client.api.networks()
    return frozenset(c["Subnet"] for n in networks for c in (n["IPAM"].get("Config") or []) if "Subnet" in c)


def _one(
    scenario: Scenario,
    plot: Plot,
    client: docker.DockerClient,
    options: argparse.Namespace,
    stop: threading.Event,
) -> bool:
    try:
        marks = record(
            scenario,
            plot=plot,
            client=client,
            out=options.out,
            stop=stop,
            campaign=options.campaign,
        )
    except (CulpritError, DockerException, OSError) as error:
        log.error("%s: %s", scenario.id, error)
        return False
    log.info(
        "%s: written to %s (onset %s, now %s)",
        scenario.id,
        options.out / scenario.id,
        iso(marks.onset_ms),
        iso(marks.now_ms),
    )
    return True


if __name__ == "__main__":
    sys.exit(main())
