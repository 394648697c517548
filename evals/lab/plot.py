"""The plot a lab stands on: its subnet and its block of loopback ports."""

from __future__ import annotations

import socket
from dataclasses import dataclass

FIRST_PORT = 19100
BLOCK = 20
PLOTS = 40


@dataclass(frozen=True)
class Plot:
    """Number `index` of the plots on this machine."""

    index: int

    @property
    def subnet(self) -> str:
        """The lab's own network."""
        return f"10.213.{self.index}.0/24"

    def port(self, offset: int) -> int:
        """A loopback port of the block."""
        return FIRST_PORT + self.index * BLOCK + offset

    @property
    def edge(self) -> int:
        """nginx."""
        return self.port(0)

    @property
    def provider(self) -> int:
        """The provider's control door."""
        return self.port(1)

    @property
    def load(self) -> int:
        """The load generator's control door."""
        return self.port(2)

    @property
    def prober(self) -> int:
        """The synthetic user's metrics."""
        return self.port(3)

    @property
    def broker(self) -> int:
        """Redis, for the recorder."""
        return self.port(4)

    @property
    def exporter(self) -> int:
        """Container metrics."""
        return self.port(5)

    @property
    def node(self) -> int:
        """node_exporter."""
        return self.port(6)

    @property
    def prometheus(self) -> int:
        """Prometheus."""
        return self.port(7)

    @property
    def alertmanager(self) -> int:
        """Alertmanager."""
        return self.port(8)

    @property
    def receiver(self) -> int:
        """The recording receiver."""
        return self.port(9)

    def free(self) -> bool:
        """Whether all ten ports can be bound now."""
        return all(_bindable(self.port(offset)) for offset in range(10))


def _bindable(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_plots(count: int, taken_subnets: frozenset[str] = frozenset()) -> tuple[Plot, ...]:
    """The first plots whose ports and subnet nobody uses; fewer than asked when the machine is full."""
    plots = (Plot(i) for i in range(PLOTS))
    return tuple([p for p in plots if p.subnet not in taken_subnets and p.free()][:count])
