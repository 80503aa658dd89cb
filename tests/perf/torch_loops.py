"""What networks on a GPU are compared with: matrix products and VGG16 in plain PyTorch.

Every function here is one measurement, see `gpu.py`. Images are noise and weights random: neither
matters for the speed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

N_LABELS = 7
EPOCHS = 5  # the first one compiles, the others are timed
MEANS = (123.68, 116.779, 103.939)


def problem(images: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw noise for images, and distributions."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, size=(images, size, size, 3), dtype=np.uint8)
    return X, rng.dirichlet(np.ones(N_LABELS), size=images)


def matrix_rate(kind: str, n: int = 8192) -> dict[str, Any]:
    """Measure FLOP/s of a matrix product: bfloat16, tf32 or float32."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = kind == "tf32"
    where = "cuda" if torch.cuda.is_available() else "cpu"
    n = n if where == "cuda" else 512
    dtype = torch.bfloat16 if kind == "bfloat16" else torch.float32
    a, b = (torch.randn(n, n, device=where, dtype=dtype) for _ in range(2))
    seconds = _seconds(lambda: a @ b, 20)
    return {"flops": 2 * n**3 / seconds}


def _seconds(step: Callable[[], object], repeats: int) -> float:
    """Seconds of one call, the device's queue being empty before and after."""
    import torch

    def wait() -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()

    for _ in range(3):
        step()
    wait()
    start = time.perf_counter()
    for _ in range(repeats):
        step()
    wait()
    return (time.perf_counter() - start) / repeats


def _vgg16(size: int) -> tuple[Any, Any]:
    """Write VGG16 down in PyTorch as anybody would, with a new last layer."""
    from torch import nn

    layers: list[Any] = []
    before = 3
    for width, depth in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(depth):
            layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU(inplace=True)]
            before = width
        layers.append(nn.MaxPool2d(2, ceil_mode=True))  # so that tiny images, too, go through
    side = -(-size // 32)
    body = nn.Sequential(
        *layers, nn.Flatten(),
        nn.Linear(512 * side * side, 4096), nn.ReLU(inplace=True), nn.Dropout(),
        nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Dropout(),
    )  # fmt: skip
    return body, nn.Linear(4096, N_LABELS)


def plain_training(images: int, batch: int, precision: str, size: int) -> dict[str, Any]:
    """Time a training as anybody writes it: SGD, two rates, soft cross entropy, images in memory.

    In float32 convolutions use TF32, PyTorch's default, and matrix products do not.
    """
    import torch

    where = "cuda" if torch.cuda.is_available() else "cpu"
    X, D = problem(images, size)
    pixels, targets = torch.from_numpy(X), torch.from_numpy(D).float()
    means = torch.tensor(MEANS, device=where)
    body, head = (part.to(where) for part in _vgg16(size))
    optimizer = _optimizer(body, head)

    def epoch() -> None:
        for rows in torch.randperm(images).split(batch):
            x = (pixels[rows].to(where).float() - means).permute(0, 3, 1, 2)
            t = targets[rows].to(where)
            with torch.autocast(where, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
                z = head(body(x))
            _update(optimizer, z, t)

    return {"per_second": images / _median_epoch(epoch)}


def tuned_training(
    images: int, batch: int, precision: str, size: int, pinned: bool = False
) -> dict[str, Any]:
    """Time the same as good as it gets.

    Images stay on the device, or in pinned memory from which they are copied while it computes;
    channels come last, network and loss are compiled, matrix products use TF32, and the last batch
    has the size of the others (rows are drawn again).
    """
    import torch

    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    where = "cuda" if torch.cuda.is_available() else "cpu"
    X, D = problem(images, size)
    pixels, targets = torch.from_numpy(X), torch.from_numpy(D).float().to(where)
    pixels = pixels if pinned else pixels.to(where)
    means = torch.tensor(MEANS, device=where)
    body, head = (part.to(where, memory_format=torch.channels_last) for part in _vgg16(size))
    optimizer = _optimizer(body, head)

    @torch.compile  # mode="max-autotune" takes minutes, and gave 3,380 images/s on an H100
    def loss_of(x: Any, t: Any) -> Any:
        x = (x.float() - means).permute(0, 3, 1, 2)  # channels last, as they lie in memory
        with torch.autocast(where, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            z = head(body(x))
        return -(t * torch.log_softmax(z.float(), dim=1)).sum(dim=1).mean()

    def epoch() -> None:
        order = torch.randperm(images, device=where)
        order = torch.cat([order, order[: -images % batch]])
        for rows in order.split(batch):
            optimizer.zero_grad()
            x = pixels[rows.to(pixels.device)]
            if pinned and where == "cuda":
                x = x.pin_memory().to(where, non_blocking=True)
            loss_of(x, targets[rows]).backward()
            optimizer.step()

    return {"per_second": images / _median_epoch(epoch)}


def _optimizer(body: Any, head: Any) -> Any:
    import torch

    rates = [{"params": body.parameters(), "lr": 1e-3}, {"params": head.parameters(), "lr": 1e-2}]
    return torch.optim.SGD(rates, momentum=0.9)


def _update(optimizer: Any, z: Any, targets: Any) -> None:
    import torch

    loss = -(targets * torch.log_softmax(z.float(), dim=1)).sum(dim=1).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def _median_epoch(epoch: Callable[[], None]) -> float:
    import torch

    seconds = []
    for _ in range(EPOCHS):
        start = time.perf_counter()
        epoch()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds[1:]))
