"""Keeps joblib from ending workers whose memory grows: the one private name of a library here.

Where psutil is installed, loky (which joblib brings along) takes a worker that grows by more than
300 MB for one that leaks memory, and ends it. TensorFlow alone takes more than that, and a run was
then seen to wait for ever. loky 3.7 has the environment variable ``LOKY_MAX_MEMORY_LEAK_SIZE`` for
this, which `benchmark.running.processes` uses; joblib 1.6 brings loky 3.6, which has no public
switch. A test notices when joblib changes.
"""

from joblib.externals.loky import process_executor


def switch_off_leak_check() -> None:
    """Switch the check off in this process, which is a worker of joblib's."""
    process_executor._USE_PSUTIL = False
