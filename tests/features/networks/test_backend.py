"""Starting Keras on a backend, in a process of its own; precision; what is out of memory."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from features.networks import backend

# Stand-ins for the packages, which start in no time and tell what was done to them.
FAKES = {
    "keras": """
import os
from types import SimpleNamespace as N
done = {}
config = N(set_image_data_format=lambda x: done.update(format=x),
           set_floatx=lambda x: done.update(floatx=x))
backend = N(backend=lambda: os.environ["KERAS_BACKEND"])
""",
    "tensorflow": """
import os
from types import SimpleNamespace as N
done = {"growth": []}
def capping(name):
    def cap(n):
        if os.environ.get("IN_USE"):
            raise RuntimeError("cannot be modified after initialization")
        done[name] = n
    return cap
config = N(
    list_physical_devices=lambda kind: [kind] if os.environ.get("DEVICE") else [],
    threading=N(set_intra_op_parallelism_threads=capping("intra"),
                set_inter_op_parallelism_threads=capping("inter")),
    experimental=N(set_memory_growth=lambda gpu, on: done["growth"].append([gpu, on]),
                   get_device_details=lambda gpu: {"device_name": os.environ["DEVICE"]}),
)
""",
    "jax": """
import os
from types import SimpleNamespace as N
done = {name: os.environ.get(name) for name in ("NPROC", "XLA_FLAGS")}
name = os.environ.get("DEVICE")
devices = lambda: [N(platform="gpu" if name else "cpu", device_kind=name)]
""",
    "torch": """
import os
from types import SimpleNamespace as N
done = {}
set_num_threads = lambda n: done.update(threads=n)
name = os.environ.get("DEVICE")
cuda = N(is_available=lambda: bool(name), get_device_name=lambda: name)
backends = N(mps=N(is_available=lambda: False))
""",
    "broken/torch": "raise ImportError('libcudart.so.13 is absent')",
}

NEEDED = "networks need Keras with TensorFlow, JAX or PyTorch"

START = """
import importlib, json, sys
from features.networks import backend
installed, threads = sys.argv[1].split(), json.loads(sys.argv[2])
backend.find_spec = lambda name: name if name in installed else None
try:
    backend.start(threads)
except ValueError as error:
    sys.exit(str(error))
name = backend.backend_name()
import keras
print(json.dumps({
    "backend": name, **keras.done, **importlib.import_module(name).done,
    "device": backend.device_name(), "accelerated": backend.has_accelerator(),
}))
"""


@pytest.fixture
def fakes(tmp_path):
    """A folder of packages to be found before the real ones."""
    for name, code in FAKES.items():
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "__init__.py").write_text(code)
    return tmp_path


def python(code, *arguments, path=None, **variables):
    """Run code in a new process with only these variables of those that matter here."""
    ours = (
        "KERAS_BACKEND",
        "NPROC",
        "XLA_FLAGS",
        "TF_CPP_MIN_LOG_LEVEL",
        "KERAS_HOME",
        "LDL_DETERMINISTIC",
    )
    clean = {name: value for name, value in os.environ.items() if name not in ours}
    if path:
        variables["PYTHONPATH"] = str(path)
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**clean, **variables},
        capture_output=True,
        text=True,
    )


def started(folder, installed, threads=None, **variables):
    done = python(START, f"keras {installed}", json.dumps(threads), path=folder, **variables)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("chosen", "installed", "expected"),
    [
        (None, "torch jax tensorflow", "tensorflow"),
        (None, "torch jax", "jax"),
        ("", "torch", "torch"),
        ("torch", "torch jax tensorflow", "torch"),
        ("jax", "jax tensorflow", "jax"),
    ],
)
def test_keras_starts_on_the_chosen_backend_or_the_first_installed(
    fakes, chosen, installed, expected
):
    found = started(fakes, installed, **({} if chosen is None else {"KERAS_BACKEND": chosen}))
    assert found["backend"] == expected
    assert (found["format"], found["floatx"]) == ("channels_last", "float32")
    assert (found["device"], found["accelerated"]) == ("CPU", False)


@pytest.mark.parametrize(
    ("chosen", "installed", "message"),
    [
        (
            "numpy",
            "keras tensorflow",
            "KERAS_BACKEND is 'numpy'; networks run on tensorflow, jax, torch",
        ),
        ("Torch", "keras torch", "KERAS_BACKEND is 'Torch'; networks run on"),
        (
            "jax",
            "keras tensorflow",
            "KERAS_BACKEND is jax, which is not installed; install it (pip ",
        ),
        (None, "keras", f"{NEEDED}, and none of these three is installed (pip install 'ldl-bench"),
        (
            None,
            "jax",
            f"{NEEDED}, and Keras is not installed (pip install 'ldl-benchmark[networks]')",
        ),
        (
            "torch",
            "keras torch",
            "Keras cannot be started on torch (libcudart.so.13 is absent); install",
        ),
    ],
)
def test_a_backend_that_is_not_there_is_refused_in_a_sentence(fakes, chosen, installed, message):
    variables = {} if chosen is None else {"KERAS_BACKEND": chosen}
    done = python(START, installed, "1", path=fakes / "broken", **variables)
    assert done.returncode == 1
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("file", "system", "only_cpu"),
    [
        ("null", "linux", True),
        ("nvidia0", "linux", False),
        ("kfd", "linux", False),
        ("vfio/0", "linux", False),
        ("null", "darwin", False),
    ],
)
def test_a_system_without_a_driver_has_only_a_cpu(tmp_path, monkeypatch, file, system, only_cpu):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).touch()
    monkeypatch.setattr(backend, "Path", lambda _dev: tmp_path)
    monkeypatch.setattr(sys, "platform", system)
    assert backend.has_only_cpu() is only_cpu


@pytest.mark.parametrize("threads", [0, -1])
def test_threads_below_one_are_refused(threads):
    with pytest.raises(ValueError, match=f"threads must be at least 1, not {threads}"):
        backend.start(threads)


def test_threads_are_capped_on_every_backend(fakes):
    found = started(fakes, "tensorflow", 2)
    assert (found["intra"], found["inter"]) == (2, 2)
    assert started(fakes, "torch", 2)["threads"] == 2
    # A larger number in the environment, perhaps from a parent process, is no reason to take it.
    found = started(fakes, "jax", 2, NPROC="16", XLA_FLAGS="--mine")
    assert (found["NPROC"], found["XLA_FLAGS"]) == ("2", "--mine")
    found = started(fakes, "jax", 1, XLA_FLAGS="--mine")
    assert (found["NPROC"], found["XLA_FLAGS"]) == (
        "1",
        "--mine --xla_cpu_multi_thread_eigen=false",
    )
    assert started(fakes, "jax", None)["NPROC"] is None


@pytest.mark.parametrize(
    ("only_cpu", "plugin", "nproc"),
    [(False, "jax_plugins", None), (True, "jax_plugins", "1"), (False, "", "1")],
)
def test_jax_compiles_for_a_gpu_with_all_cores(fakes, only_cpu, plugin, nproc):
    code = START.replace("\ntry:", f"\nbackend.has_only_cpu = lambda: {only_cpu}\ntry:")
    done = python(
        code, f"keras jax {plugin}", "1", path=fakes, NPROC="1", DEVICE="H100", KERAS_BACKEND="jax"
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["NPROC"] == nproc


def test_tensorflow_that_is_in_use_keeps_its_threads(fakes):
    found = started(fakes, "tensorflow", 2, IN_USE="1")
    assert "intra" not in found
    assert found["backend"] == "tensorflow"


@pytest.mark.parametrize("name", backend.BACKENDS)
def test_the_device_is_named(fakes, name):
    found = started(fakes, name, DEVICE="Accelerator 3000")
    assert (found["device"], found["accelerated"]) == ("Accelerator 3000", True)
    if name == "tensorflow":
        assert found["growth"] == [["GPU", True]]


REAL = """
import json, sys
from features.networks import backend
assert "keras" not in sys.modules and "tensorflow" not in sys.modules
backend.start(threads=3)
backend.start(threads=2)  # changes nothing
import keras
import tensorflow as tf
from tensorflow.python.framework.config import is_op_determinism_enabled
print(json.dumps([
    backend.backend_name(), keras.config.image_data_format(), keras.config.floatx(),
    tf.config.threading.get_intra_op_parallelism_threads(),
    tf.config.threading.get_inter_op_parallelism_threads(), is_op_determinism_enabled(),
]))
"""


@pytest.mark.slow
def test_tensorflow_itself_starts_quietly_whatever_a_users_configuration_says(tmp_path):
    wishes = {"backend": "jax", "image_data_format": "channels_first", "floatx": "float64"}
    (tmp_path / "keras.json").write_text(json.dumps(wishes))
    done = python(REAL, KERAS_HOME=str(tmp_path), LDL_DETERMINISTIC="1")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == ["tensorflow", "channels_last", "float32", 3, 3, True]


def dtypes():
    """What a new layer computes in, and what it keeps its weights in."""
    import keras

    layer = keras.layers.Dense(2)
    output = layer(np.zeros((1, 3), np.float32))
    return [keras.backend.standardize_dtype(t.dtype) for t in (output, layer.kernel)]


def test_precision_holds_for_its_block_only():
    backend.start(threads=1)
    import keras

    former = keras.config.dtype_policy().name
    with backend.precision("bfloat16"):
        assert dtypes() == ["bfloat16", "float32"]
        with backend.precision("float32"):
            assert dtypes() == ["float32", "float32"]
        assert dtypes() == ["bfloat16", "float32"]
        with pytest.raises(ZeroDivisionError), backend.precision("float32"):
            raise ZeroDivisionError
        assert dtypes() == ["bfloat16", "float32"]
    assert keras.config.dtype_policy().name == former
    with (
        pytest.raises(ValueError, match="must be 'float32' or 'bfloat16', not 'float16'"),
        backend.precision("float16"),
    ):
        pass
    assert keras.config.dtype_policy().name == former


def named(name, text="", base=Exception):
    return type(name, (base,), {})(text)


def caused(error, cause):
    error.__cause__ = cause
    return error


OP_ERROR = type("OpError", (Exception,), {})  # as TensorFlow's, which is no RuntimeError

ENOUGH_MEMORY = [
    ValueError("the shapes differ"),
    RuntimeError("CUDA error: an illegal memory access was encountered"),
    OSError(errno.ENOSPC, "No space left on device"),
    KeyError("out of memory"),
    named("InternalError", "Blas xGEMM launch failed", OP_ERROR),
    caused(ValueError("it failed"), RuntimeError("for another reason")),
]
OUT_OF_MEMORY = [
    MemoryError(),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
    named("ResourceExhaustedError"),
    named("OutOfMemoryError"),
    named("XlaRuntimeError", "RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes.", RuntimeError),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("MPS backend out of memory"),
    ValueError("RESOURCE_EXHAUSTED: while compiling"),
    RuntimeError("Out of memory while trying to allocate 17179869184 bytes."),
    RuntimeError("Exception encountered when calling Dense.call().\n\nOOM when allocating tensor"),
    named("InternalError", "cudaMalloc of 9 bytes failed: out of memory", OP_ERROR),
    named("InternalError", "Failed copying input tensor. Dst tensor is not initialized.", OP_ERROR),
    caused(ValueError("it failed"), MemoryError()),
    caused(KeyError("a"), caused(ValueError("it failed"), named("ResourceExhaustedError"))),
]


@pytest.mark.parametrize("error", ENOUGH_MEMORY, ids=repr)
def test_other_errors_are_not_taken_for_lack_of_memory(error):
    assert not backend.is_out_of_memory(error)


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=repr)
def test_lack_of_memory_is_recognised(error):
    assert backend.is_out_of_memory(error)
