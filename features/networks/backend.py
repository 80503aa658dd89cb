"""Starts Keras on TensorFlow, JAX or PyTorch, and tells what it runs on.

Nothing is imported before `start` is called, since a backend takes seconds and hundreds of
megabytes to load, and its threads must be capped before it runs.
"""

from __future__ import annotations

import errno
import gc
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

#: What Keras can run on here, in the order of preference.
BACKENDS = ("tensorflow", "jax", "torch")

# Files below /dev of which a Linux system with a GPU or TPU in use has at least one: those of
# NVIDIA, AMD, Windows' subsystem for Linux, and Google.
_DEVICES = ("nvidia*", "kfd", "dxg", "accel*", "vfio/*")

#: Environment variable that asks for deterministic operations.
DETERMINISTIC = "LDL_DETERMINISTIC"

#: Precision of a network to Keras' dtype policy.
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}

# How libraries report that memory ran out: TensorFlow and PyTorch have types for it; otherwise an
# exception of one of these types (TensorFlow's are all OpErrors) has one of these texts, which are
# compared in lower case.
_MEMORY_TYPES = {"ResourceExhaustedError", "OutOfMemoryError"}
_TEXT_TYPES = {"RuntimeError", "ValueError", "OpError"}
_MEMORY_TEXTS = (
    "resource_exhausted", "out of memory", "oom when allocating", "can't allocate memory",
    "alloc_failed", "dst tensor is not initialized",
)  # fmt: skip


def missing() -> str:
    """Say what has to be installed before a network can run here; empty if nothing.

    Imports nothing.
    """
    if find_spec("keras") is None:
        lacking = "Keras is not"
    elif all(find_spec(name) is None for name in BACKENDS):
        lacking = "none of these three is"
    else:
        return ""
    return (
        f"networks need Keras with TensorFlow, JAX or PyTorch, and {lacking} installed "
        f"(pip install 'ldl-benchmark[networks]')"
    )


def start(threads: int | None = None) -> None:
    """Import Keras and its backend, quietly; calling it again changes nothing.

    The backend is that of the environment variable ``KERAS_BACKEND``, else the first installed of
    `BACKENDS`. On a GPU memory is taken as needed, not all at once, and operations may add numbers
    in another order every time; with ``LDL_DETERMINISTIC=1`` in the environment they may not, which
    makes some slower. On a CPU with one thread they never do.

    Parameters
    ----------
    threads : int, optional
        CPU threads at most; by default the backend's choice. Only the first call in a process
        can set this, and only while the backend is not in use. JAX compiles for a GPU with as many
        as there are cores all the same.

    Raises
    ------
    ValueError
        `threads` is below 1, the backend is unknown, not installed or cannot be imported, or
        ``LDL_DETERMINISTIC`` is neither 0 nor 1.
    """
    if threads is not None and threads < 1:
        raise ValueError(f"threads must be at least 1, not {threads}")
    if "keras" in sys.modules:  # perhaps the user's code imported it
        _configure()
        return
    wanted = is_deterministic()
    name = choose_backend()
    os.environ["KERAS_BACKEND"] = name
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecations inside the libraries, on import
            if wanted and name == "jax":  # before it is imported
                _add_xla_flag("--xla_gpu_deterministic_ops=true")
            _STARTERS[name](threads)
            if wanted and name != "jax":
                _use_deterministic_operations(name)
            _configure()
    except ImportError as error:
        raise ValueError(
            f"Keras cannot be started on {name} ({error}); install it, or set KERAS_BACKEND to "
            f"another of {', '.join(BACKENDS)}"
        ) from error


def is_deterministic() -> bool:
    """Tell whether deterministic operations are asked for.

    Raises
    ------
    ValueError
        ``LDL_DETERMINISTIC`` is neither 0 nor 1.
    """
    value = os.environ.get(DETERMINISTIC, "") or "0"
    if value not in ("0", "1"):
        raise ValueError(f"{DETERMINISTIC} is {value!r}; set it to 1, or to 0 or nothing")
    return value == "1"


def _use_deterministic_operations(name: str) -> None:
    if name == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    else:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        import torch

        torch.use_deterministic_algorithms(True)


def _add_xla_flag(flag: str) -> None:
    flags = os.environ.get("XLA_FLAGS", "")
    if flag.partition("=")[0] not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {flag}".strip()


def _configure() -> None:
    """Set what our code relies on, whatever a user's keras.json or code says."""
    import keras

    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")


def choose_backend() -> str:
    """Return which of `BACKENDS` is going to be started; imports nothing.

    Raises
    ------
    ValueError
        Keras, or what ``KERAS_BACKEND`` names, is not installed or not known.
    """
    if lacking := missing():
        raise ValueError(lacking)
    chosen = os.environ.get("KERAS_BACKEND")
    if chosen:
        if chosen not in BACKENDS:
            raise ValueError(
                f"KERAS_BACKEND is {chosen!r}; networks run on {', '.join(BACKENDS)} only"
            )
        if find_spec(chosen) is None:
            raise ValueError(
                f"KERAS_BACKEND is {chosen}, which is not installed; install it (pip install "
                f"{chosen}), or unset KERAS_BACKEND to use what is"
            )
        return chosen
    return next(name for name in BACKENDS if find_spec(name) is not None)


def _start_tensorflow(threads: int | None) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    with _silent_stderr():
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
    # TensorFlow warns that functions are traced again, as they must be for another network.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    with suppress(RuntimeError):  # TensorFlow is in use already, and keeps its settings
        if threads is not None:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Drop what compiled code writes to stderr: TensorFlow tells there that it finds no GPU."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _start_jax(threads: int | None) -> None:
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    os.environ.setdefault("JAX_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # XLA tells what it tries to save memory
    if threads == 1:
        _add_xla_flag("--xla_cpu_multi_thread_eigen=false")
    if threads is not None and not _jax_may_have_gpu():
        os.environ["NPROC"] = str(threads)  # the size of XLA's thread pool
    elif threads is not None:
        # Compiling for a GPU tries out many kernels, side by side where it may: on 16 cores that
        # took less than a third of the time. What is computed does not depend on it.
        os.environ.pop("NPROC", None)
    import jax  # noqa: F401


def _jax_may_have_gpu() -> bool:
    """Tell whether JAX has a plugin for devices, and this system perhaps such a device."""
    return find_spec("jax_plugins") is not None and not has_only_cpu()


def _start_torch(threads: int | None) -> None:
    import torch

    if threads is not None:
        torch.set_num_threads(threads)


_STARTERS: dict[str, Callable[[int | None], None]] = {
    "tensorflow": _start_tensorflow,
    "jax": _start_jax,
    "torch": _start_torch,
}


def has_only_cpu() -> bool:
    """Tell whether this system surely has no GPU or TPU in use; imports nothing."""
    return sys.platform == "linux" and not any(
        path for pattern in _DEVICES for path in Path("/dev").glob(pattern)
    )


def backend_name() -> str:
    """Return what Keras runs on: one of `BACKENDS`. Starts it if need be."""
    start()
    import keras

    return str(keras.backend.backend())


def device_name() -> str:
    """Return the name of the GPU or TPU that networks run on, or ``CPU``. Starts Keras if need be.

    A GPU that cannot be used, for want of a driver or of a build that knows it, is not there.
    """
    name = backend_name()
    if name == "tensorflow":
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        if gpus:
            details = tf.config.experimental.get_device_details(gpus[0])
            return str(details.get("device_name", "GPU"))
    elif name == "jax":
        import jax

        device = jax.devices()[0]
        if device.platform != "cpu":
            return str(device.device_kind)
    else:
        import torch

        if torch.cuda.is_available():
            return str(torch.cuda.get_device_name())
        if torch.backends.mps.is_available():
            return "Apple GPU"
    return "CPU"


def has_accelerator() -> bool:
    """Tell whether networks run on a GPU or TPU. Starts Keras if need be."""
    return device_name() != "CPU"


def free_memory() -> int | None:
    """Return the bytes that are free on the GPU or TPU, None if the backend cannot tell."""
    name = backend_name()
    if name == "jax":
        import jax

        found = jax.devices()[0].memory_stats() or {}
        if {"bytes_limit", "bytes_in_use"} <= set(found):
            return int(found["bytes_limit"] - found["bytes_in_use"])
    elif name == "torch":
        import torch

        if torch.cuda.is_available():
            return int(torch.cuda.mem_get_info()[0])
    return None


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an exception says that memory ran out, on the device or off it.

    Knows `MemoryError`, ``ENOMEM``, TensorFlow's ``ResourceExhaustedError``, XLA's
    ``RESOURCE_EXHAUSTED``, PyTorch's ``OutOfMemoryError`` and what the libraries below them say,
    and looks at what caused the exception.
    """
    if isinstance(error, MemoryError) or type(error).__name__ in _MEMORY_TYPES:
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    text = str(error).lower()
    if any(kind.__name__ in _TEXT_TYPES for kind in type(error).__mro__) and any(
        part in text for part in _MEMORY_TEXTS
    ):
        return True
    return error.__cause__ is not None and is_out_of_memory(error.__cause__)


def release_memory() -> None:
    """Give back what nothing refers to any more, so that less of the device may do."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():  # which keeps it for what comes
        torch.cuda.empty_cache()


@contextmanager
def precision(name: str) -> Iterator[None]:
    """Build layers in a precision: for the time of the block it is Keras' default policy.

    Parameters
    ----------
    name : {"float32", "bfloat16"}
        With ``bfloat16`` layers compute in bfloat16 and keep their weights in float32.

    Raises
    ------
    ValueError
        Another name.
    """
    if name not in POLICIES:
        raise ValueError(f"precision must be {' or '.join(map(repr, POLICIES))}, not {name!r}")
    start()
    import keras

    former = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[name])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(former)
