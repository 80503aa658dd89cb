"""What of a machine the last digits of results depend on."""

from __future__ import annotations

import platform
import subprocess
from contextlib import suppress
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info

from features.networks.backend import is_deterministic

#: Threads of BLAS and networks in a task, see `benchmark.running.execute`.
THREADS = 1

_CPUINFO = Path("/proc/cpuinfo")


def machine(device: str = "") -> dict[str, str]:
    """Describe the machine: processor, its instruction sets, BLAS and its kernels, threads.

    Two results with the same settings and versions are equal to the last bit where all of these
    are the same, and a network ran on a CPU.

    Parameters
    ----------
    device : str
        For a result of a network, what the network ran on; deterministic operations are recorded
        with it.
    """
    found = {
        "processor": processor(),
        "instruction sets": instruction_sets(),
        "BLAS": blas(),
        "threads": str(THREADS),
    }
    if device and is_deterministic():
        device += ", deterministic operations"
    return {**found, "device": device} if device else found


def processor(cpuinfo: Path = _CPUINFO) -> str:
    """Return the processor's model, with the numbers that tell those of one name apart."""
    with suppress(OSError):
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").split("\n\n")[0].splitlines()
        facts = {key.strip(): value.strip() for key, _, value in (s.partition(":") for s in lines)}
        if name := facts.get("model name") or facts.get("Model") or facts.get("CPU part"):
            numbers = [
                f"{title} {facts[key]}"
                for title, key in (
                    ("family", "cpu family"), ("model", "model"), ("stepping", "stepping"),
                    ("implementer", "CPU implementer"), ("part", "CPU part"),
                )
                if key in facts and facts[key] != name
            ]  # fmt: skip
            return f"{name} ({', '.join(numbers)})" if numbers else name
    if platform.system() == "Darwin":
        with suppress(OSError, subprocess.SubprocessError):
            command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
            said = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)
            return said.stdout.strip()
    return platform.processor() or platform.machine()


def instruction_sets() -> str:
    """Return the instruction sets that numpy found here and uses."""
    found = np.show_config(mode="dicts")
    sets = found.get("SIMD Extensions", {})
    return " ".join([*sets.get("baseline", ()), *sets.get("found", ())])


def blas() -> str:
    """Return the libraries that numpy and scipy multiply matrices with, and their kernels.

    The kernel is the code that the library has chosen for this processor; OpenBLAS takes another
    one with the environment variable ``OPENBLAS_CORETYPE``.
    """
    import scipy.linalg  # noqa: F401 - loads scipy's own library

    names = [
        " ".join(str(library[key]) for key in _LIBRARY if library.get(key))
        for library in threadpool_info()
        if library.get("user_api") == "blas"
    ]
    if not names:  # a library that threadpoolctl does not know, such as Apple's Accelerate
        built = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
        names = [f"{built.get('name', 'unknown')} {built.get('version', '')}".strip()]
    return ", ".join(sorted(set(names)))


_LIBRARY = ("internal_api", "version", "architecture")
