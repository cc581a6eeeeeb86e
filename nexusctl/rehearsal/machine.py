"""What this machine can carry, and the scale at which a storm fits on it."""

import os
import resource
from dataclasses import dataclass, replace

from nexusctl.errors import Refused
from nexusctl.rehearsal.storm import Storm

# Measured on two cores of a small cloud machine, for clients, pooler and database together. At
# these figures half of the processor's time is to spare, which queues need to behave as such.
TRANSACTIONS_PER_CORE = 250  # a second; each takes 1 ms of a core at most
CONNECTIONS_PER_CORE = 90  # a second; each costs 5 ms, most of it TLS and SCRAM on both sides
BACKEND_BYTES = 6 << 20  # of a PostgreSQL backend with nothing to do
CLIENT_BYTES = 400 << 10  # of a client and the pooler's side of it, TLS included

LONGEST_RAMP = 10.0  # seconds: what takes minutes in AWS is hurried
FILES_TO_SPARE = 200


@dataclass(frozen=True, slots=True)
class Scale:
    """A share of a storm, and why it is not all of it."""

    factor: float
    because: str


@dataclass(frozen=True, slots=True)
class Fitted:
    """A storm as `declared` and as it is rehearsed: at a scale, and with a hurried ramp."""

    declared: Storm
    storm: Storm
    scale: Scale


@dataclass(frozen=True, slots=True)
class Machine:
    """The resources that bound a rehearsal. `files` is how many a process may have open at most."""

    cores: int
    memory_bytes: int
    files: int

    @classmethod
    def here(cls) -> "Machine":
        """This machine, as far as this process may use it."""
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        return cls(cores or 1, memory, 1 << 20 if hard == resource.RLIM_INFINITY else hard)

    def fit(
        self, declared: Storm, *, scale: float | None = None, clients: int | None = None
    ) -> Fitted:
        """The storm at the largest scale that this machine carries, or at the one asked for.

        With `clients`, so many come whatever the scale.
        """
        chosen = self._largest_scale(declared) if scale is None else Scale(scale, "as asked for")
        storm = declared.scaled(chosen.factor)
        storm = replace(storm, clients=clients or storm.clients)
        # Hurried, but not more than the machine can: its own slowness would be measured.
        possible = storm.clients / (self.cores * CONNECTIONS_PER_CORE)
        ramp = max(min(storm.ramp_seconds, LONGEST_RAMP), possible)
        return Fitted(declared, replace(storm, ramp_seconds=ramp), chosen)

    def _largest_scale(self, storm: Storm) -> Scale:
        rate = self.cores * TRANSACTIONS_PER_CORE
        opened = round(self.cores * CONNECTIONS_PER_CORE * LONGEST_RAMP)
        memory = self.memory_bytes // 2
        backends = min(storm.clients, storm.max_connections) * BACKEND_BYTES
        candidates = (
            Scale(1.0, "all of it fits on this machine"),
            Scale(
                rate / storm.transactions_per_second,
                f"{self.cores} cores carry about {rate:,} transactions a second",
            ),
            Scale(
                opened / storm.clients,
                f"{self.cores} cores open about {opened:,} connections in {LONGEST_RAMP:.0f} s",
            ),
            Scale(
                memory / (backends + storm.clients * CLIENT_BYTES),
                f"half of the memory is {memory / 2**30:.0f} GiB",
            ),
            Scale(
                (self.files - FILES_TO_SPARE) / (storm.clients + storm.servers),
                f"a process may have {self.files:,} files open (ulimit -Hn)",
            ),
        )
        return min(candidates, key=lambda each: each.factor)

    def allow_files(self, storm: Storm) -> None:
        """Let this process and those it starts have a file for each connection of the storm.

        Raises:
            Refused: the system does not allow so many.
        """
        wanted = storm.clients + storm.servers + FILES_TO_SPARE
        if wanted > self.files:
            raise Refused(
                f"{storm.clients:,} clients need {wanted:,} open files; {self.files:,} are allowed",
                hint="raise the hard limit (ulimit -Hn) as root, or ask for fewer with --clients",
            )
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
