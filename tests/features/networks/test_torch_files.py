"""Files of PyTorch and safetensors, sound, damaged and malicious; PyTorch itself is not needed.

Through them goes `features.networks.pickles`. `torch_written` holds what PyTorch 2.13 wrote of
some arrays, in the layout of today and in that of before 1.6
(``_use_new_zipfile_serialization=False``).
"""

from __future__ import annotations

import contextlib
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from damage import damaged
from weight_files import write_safetensors

from features.networks.torch_files import open_arrays

WRITTEN = Path(__file__).parent / "torch_written"
LAYOUTS = ["today.pth", "before_1_6.pth"]
EXPECTED = {
    "0.weight": [[0, 2, 4], [1, 3, 5]],  # turned, so with strides of its own
    "0.bias": [0.5, -2],  # bfloat16
    "1.weight": [1, 1],
    "1.bias": [0, 0],
    "1.running_mean": [3, 4],  # a part of a larger array
    "1.running_var": [1, 1],
    "1.num_batches_tracked": 0,
}


def read_all(path):
    with contextlib.ExitStack() as stack:
        arrays = open_arrays(Path(path), stack)
        return {name: arrays.read(name) for name in arrays.shapes}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_pytorch_writes_is_read(layout):
    found = read_all(WRITTEN / layout)
    assert list(found) == list(EXPECTED)
    for name, values in EXPECTED.items():
        np.testing.assert_array_equal(found[name], values)
        assert found[name].shape == np.shape(values)
    assert found["1.num_batches_tracked"].dtype.kind == "i"


def test_safetensors_are_read(tmp_path):
    arrays = {"a.weight": np.arange(6, dtype="f4").reshape(2, 3), "b": np.array([7.0], "f4")}
    found = read_all(write_safetensors(tmp_path / "x.safetensors", arrays))
    assert list(found) == list(arrays)
    for name, values in arrays.items():
        np.testing.assert_array_equal(found[name], values)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"dtype": "F32", "shape": [2], "data_offsets": [0, 80]}, "lies outside the file"),
        ({"dtype": "F32", "shape": [2], "data_offsets": [-4, 4]}, "lies outside the file"),
        ({"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}, "lies outside the file"),
        ({"dtype": "F8_E4M3", "shape": [2], "data_offsets": [0, 2]}, "type F8_E4M3"),
    ],
)
def test_safetensors_that_point_elsewhere_are_refused(tmp_path, entry, message):
    path = write_safetensors(tmp_path / "x.safetensors", {"a": np.ones(2, "f4")}, b=entry)
    with pytest.raises(ValueError, match=message):
        read_all(path)


# --- Files that want to run code -----------------------------------------------------------------


class Bomb:
    """What makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def in_layout(layout, pickled, path):
    """Write a pickle where PyTorch has that of the arrays."""
    if layout == "today.pth":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x/data.pkl", pickled)
            archive.writestr("x/version", "3\n")
    else:
        head = (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})
        path.write_bytes(b"".join(pickle.dumps(part, 2) for part in head) + pickled)
    return path


def programs(sprung):
    """Pickles that make a folder, by every instruction that can call something."""
    call = f"(S'{sprung}'\n"
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        yield pickle.dumps({"a": Bomb(sprung)}, protocol)
        yield pickle.dumps(Bomb(sprung), protocol)
    yield f"cos\nmkdir\n{call}tR.".encode()
    yield f"{call}ios\nmkdir\n.".encode()  # INST
    yield f"(cos\nmkdir\nS'{sprung}'\no.".encode()  # OBJ
    yield f"cos\nmkdir\n{call}t\x81.".encode("latin-1")  # NEWOBJ
    yield f'cbuiltins\neval\n(S\'__import__("os").mkdir("{sprung}")\'\ntR.'.encode()
    yield b"\x82\x01."  # EXT1
    yield f"ctorch._utils\n_rebuild_tensor_v2\ncos\nmkdir\n{call}tR.".encode()
    yield f"ccollections\nOrderedDict\n)Rcos\nmkdir\n{call}tRb.".encode()  # a state that calls
    yield f"(cos\nmkdir\n{call}ttQ.".encode()  # a storage that is none
    # The names that are known stand for nothing but arrays.
    yield f"ctorch.nn.parameter\nParameter\ncos\nmkdir\n{call}tR\x85R.".encode("latin-1")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_file_runs_code(tmp_path, layout):
    sprung = tmp_path / "sprung"
    pickle.loads(pickle.dumps(Bomb(sprung)))  # noqa: S301  # such a pickle would
    sprung.rmdir()
    number = 0
    for number, program in enumerate(programs(sprung)):
        path = in_layout(layout, program, tmp_path / f"{number}.pth")
        with pytest.raises(ValueError, match=r"\w") as caught:
            read_all(path)
        assert not sprung.exists()
        assert "\n" not in str(caught.value)
    assert number > 15


def test_what_a_file_wants_to_call_is_named(tmp_path):
    path = in_layout("today.pth", pickle.dumps({"a": Bomb("x")}, 2), tmp_path / "x.pth")
    with pytest.raises(ValueError, match=r"it wants to call '(posix|nt)\.mkdir', which .*refused"):
        read_all(path)


# --- Damage --------------------------------------------------------------------------------------


TENSOR = (
    "ccollections\nOrderedDict\n)R(S'a'\nctorch._utils\n_rebuild_tensor_v2\n(((S'storage'\n"
    "ctorch\nFloatStorage\nS'0'\nS'cpu'\nI{length}\ntQI{start}\n(I{rows}\nI2\nt(I{step}\nI1\nt"
    "I00\nccollections\nOrderedDict\n)RtRu."
)


def one_tensor(path, data=bytes(24), pack=zipfile.ZIP_STORED, **changes):
    facts = {"length": 6, "start": 0, "rows": 3, "step": 2, **changes}
    with zipfile.ZipFile(path, "w", pack) as archive:
        text = TENSOR.format(**facts).replace("(((S", "((S")
        archive.writestr(zipfile.ZipInfo("x/data.pkl"), text)
        archive.writestr("x/data/0", data)
    return path


def test_a_tensor_inside_its_array_is_read(tmp_path):
    data = np.arange(6, dtype="<f4")
    found = read_all(one_tensor(tmp_path / "x.pth", data.tobytes()))
    np.testing.assert_array_equal(found["a"], data.reshape(3, 2))
    again = read_all(one_tensor(tmp_path / "x.pth", data.tobytes(), start=2, rows=2))
    np.testing.assert_array_equal(again["a"], data[2:].reshape(2, 2))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"start": 1}, "outside"),
        ({"rows": 4}, "outside"),
        ({"step": 3}, "outside"),
        ({"start": -1}, "wrongly"),
        ({"step": -2}, "wrongly"),
        ({"step": 0, "rows": 1000000}, "outside"),  # more numbers than there are
        ({"length": -6}, "unknown type"),
        ({"data": bytes(20)}, "cut off"),
        ({"data": bytes(28)}, "larger than it should be"),
        ({"pack": zipfile.ZIP_DEFLATED}, "larger than it should be"),
    ],
)
def test_tensors_outside_their_arrays_are_refused(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        read_all(one_tensor(tmp_path / "x.pth", **changes))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_damaged_files_are_refused_or_read(tmp_path, layout):
    content, refused = (WRITTEN / layout).read_bytes(), 0
    for seed in range(60):
        path = tmp_path / "x.pth"
        path.write_bytes(damaged(content, seed))
        try:
            read_all(path)
        except (ValueError, KeyError, OSError, zipfile.BadZipFile, NotImplementedError) as error:
            refused += not isinstance(error, MemoryError)
    assert refused > 20


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no file of PyTorch"),
        (b"<html>404</html>", "no file of PyTorch"),
        (b"\0" * 257 + b"ustar\0" + b"\0" * 500, r"before PyTorch 0\.1\.10.*torch\.save"),
        (pickle.dumps([1, 2], 2) * 4, "no file of PyTorch"),
    ],
)
def test_other_files_are_refused(tmp_path, content, message):
    path = tmp_path / "x.pth"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_all(path)


def test_a_program_of_torchscript_and_a_whole_network_are_refused(tmp_path):
    path = one_tensor(tmp_path / "x.pth")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("x/constants.pkl", b"")
    with pytest.raises(ValueError, match="TorchScript, not arrays by name; convert it"):
        read_all(path)
    with pytest.raises(ValueError, match="it holds no arrays by name; convert it"):
        read_all(in_layout("today.pth", pickle.dumps([1.0, 2], 2), tmp_path / "y.pth"))
