"""Writes what `gpu.py` measured: a section for each card and backend, with a projection."""

from __future__ import annotations

import math
from typing import Any

from features.networks.backbones import find_backbone

Entry = dict[str, Any]

#: Measurements that do not depend on Keras' backend, and those of them that need PyTorch.
OF_TORCH = ("plain_training", "tuned_training")
OF_CARD = ("matrix_rate", "baselines", *OF_TORCH)

# The paper's sets; nine tenths of one are trained on in each of ten folds.
SETS = {"Emotion6": 1980, "ArtPhoto": 806}
FOLDS = 10

# Table 3: two networks on Emotion6. Table 4: three kinds of networks on three backbones.
TABLE3 = ("vgg16", "vgg16")
TABLE4 = ("alexnet", "vgg16", "resnet50")


def find(record: list[Entry], card: str, name: str, arguments: dict[str, Any]) -> Entry | None:
    """Return the figures of a measurement on a card and backend, if there are any."""
    for entry in of(record, card, name):
        if entry["arguments"] == arguments:
            return dict(entry["figures"])
    return None


def of(record: list[Entry], card: str, name: str) -> list[Entry]:
    """Return the entries of a kind of measurement that hold for a card and backend."""
    whose = of_card if name in OF_CARD else str
    return [
        entry for entry in record if entry["what"] == name and whose(entry["card"]) == whose(card)
    ]


def of_card(title: str) -> str:
    """Return the card's name without Keras' backend: PyTorch loops do not depend on that."""
    return title.partition(", Keras on ")[0]


def whole_section(record: list[Entry]) -> list[str]:
    """Write what the record holds, for each card and backend."""
    cards = dict.fromkeys(entry["card"] for entry in record)
    return [
        "Images of noise, random weights; images per second. Shares are of the measured rate of an "
        "8192 x 8192 matrix product (float32: of tf32's, which the frameworks' convolutions use), "
        "an image counting three times its forward operations. *Ours* reads shards on disk as a "
        "run does, or where it says so an array in memory, which was measured before; *loop* goes "
        "through them on the device, *steps* one by one. *Plain* is a PyTorch loop as anybody "
        "writes it, *tuned* one with images on the device, channels last and `torch.compile`, "
        "*pinned* the same with images in pinned memory of the host.",
        *(line for card in cards for line in ("", *section(record, card))),
    ]


def section(record: list[Entry], card: str) -> list[str]:
    """Write what the record holds of a card and backend."""
    mine = [entry for entry in record if entry["card"] == card]
    rates = {
        entry["arguments"]["kind"]: entry["figures"].get("flops", math.nan)
        for entry in of(record, card, "matrix_rate")
    }
    shown = ", ".join(f"{kind} {rate / 1e12:.3g}" for kind, rate in rates.items())
    lines = [
        f"**{card}**, {max(entry['date'] for entry in mine)}."
        + (f" Matrix products, TFLOP/s: {shown}." if shown else ""),
    ]
    rows = of(record, card, "our_training")
    if rows:
        lines += [
            "",
            "| training | precision | batch | images | ours | share | plain | tuned | pinned "
            "| ours / plain | ours / tuned |",
            "|---|---|---|---|---|---|---|---|---|---|---|",
            *(_training(record, card, entry, rates) for entry in rows),
        ]
    for entry in mine:
        told = _TOLD.get(entry["what"])
        if "error" in entry["figures"]:
            lines += ["", f"Failed: {entry['what']} {entry['arguments']}: "
                      f"{entry['figures']['error']}"]  # fmt: skip
        elif told:
            found = entry["figures"]
            if entry["what"] == "deterministic":
                usual = find(record, card, "our_training", entry["arguments"]) or {}
                found = {**found, "usual": usual.get("per_second")}
            said = (told(entry["arguments"], found), entry.get("remark", ""))  # added by hand
            lines += ["", " ".join(filter(None, said))]
    return [*lines, *projection(record, card)]


def _training(record: list[Entry], card: str, entry: Entry, rates: dict[str, float]) -> str:
    """Write a row: ours beside the loops."""
    arguments, found = entry["arguments"], entry["figures"]
    side, precision = arguments["size"], arguments["precision"]
    facts = find_backbone(arguments.get("backbone", "vgg16"))
    same = {key: arguments[key] for key in ("images", "size", "batch", "precision")}
    others: list[float | None] = [None] * 3
    if facts.name == "vgg16":
        wanted = [("plain_training", same), ("tuned_training", same),
                  ("tuned_training", {**same, "pinned": True})]  # fmt: skip
        others = [(find(record, card, *one) or {}).get("per_second") for one in wanted]
    speed = found.get("per_second")
    rate = rates.get({"float32": "tf32"}.get(precision, precision))
    operations = 3e9 * facts.gflops * (side / facts.size) ** 2
    share = f"{100 * speed * operations / rate:.0f} %" if speed and rate else ""
    way = "shards" if "images_from" in arguments else "memory"
    way += ", loop" if found.get("resident") else ", steps"
    cells = [f"{other:.0f}" if other else "" for other in others]
    ratios = [f"{speed / other:.2f}" if speed and other else "" for other in others[:2]]
    ours = f"{speed:.0f}" if speed else "failed"
    return (
        f"| {facts.name}, {side} x {side} | {precision} | {arguments['batch']} | {way} | {ours} "
        f"| {share} | {' | '.join([*cells, *ratios])} |"
    )


def _extraction(arguments: dict[str, Any], found: Entry) -> str:
    return (
        f"Extraction in {arguments['precision']}, batch {arguments['batch']}, from 500 x 400 JPEG "
        f"files on {found['cores']} cores: {found['per_second']:.0f} images/s; the network "
        f"alone {found['bare']:.0f}."
    )


def _whole(arguments: dict[str, Any], found: Entry) -> str:
    beside = found["whole"] - found["first"] - found["second"]
    return (
        f"`benchmark run EW-MTCNN` on JPEG files ({arguments['images']} training images, 20 "
        f"epochs, batch {arguments['batch']}, {arguments['precision']}): first fold "
        f"{found['first']:.0f} s, the next {found['second']:.0f} s, of which prediction "
        f"{found['predict']:.1f} s; all else in the command (starting, decoding, the estimate, "
        f"tables) {beside:.0f} s."
    )


def _head(arguments: dict[str, Any], found: Entry) -> str:
    return (
        f"A new layer on 4,096 activations ({arguments['images']} rows, 20 epochs): "
        f"{found['first']:.1f} s, the next one {found['second']:.1f} s."
    )


def _baselines(arguments: dict[str, Any], found: Entry) -> str:
    each = ", ".join(f"{name} {seconds:.1f}" for name, seconds in found.items())
    return f"Baselines, seconds of a fold of {arguments['images']} rows on one core: {each}."


def _of_folds(arguments: dict[str, Any]) -> str:
    what = (
        f"a new layer on {arguments['width']} activations"
        if arguments.get("width")
        else f"`small` on {arguments['size']} x {arguments['size']} pixels"
    )
    return f"{arguments['folds']} folds at once, {what}"


def _folds(arguments: dict[str, Any], found: Entry) -> str:
    return (
        f"{_of_folds(arguments)}: {found['per_second']:.0f} images/s in all; one by one "
        f"{found['alone']:.0f}."
    )


def _deterministic(arguments: dict[str, Any], found: Entry) -> str:
    same = "the same" if found["same_bits"] else "not the same"
    usual = found["usual"]
    share = f", {found['per_second'] / usual:.2f} times the usual ones'" if usual else ""
    return (
        f"Deterministic operations, {arguments['precision']}, batch {arguments['batch']}: "
        f"{found['per_second']:.0f} images/s{share}; two trainings gave {same} bits."
    )


_TOLD = {
    "files_extraction": _extraction, "whole_fold": _whole, "head": _head, "baselines": _baselines,
    "side_by_side": _folds, "deterministic": _deterministic,
}  # fmt: skip


def gains(record: list[Entry]) -> list[str]:
    """Write a table of how many times faster something makes training, by card and backend."""
    cards = list(dict.fromkeys(entry["card"] for entry in record))
    rows: dict[str, dict[str, float]] = {}
    for entry in record:
        arguments, found = entry["arguments"], entry["figures"]
        against = {key: value for key, value in arguments.items() if key != "loop"}
        if "error" in found:
            continue
        if entry["what"] == "side_by_side" and "alone" in found:
            rows.setdefault(_of_folds(arguments), {})[entry["card"]] = (
                found["per_second"] / found["alone"]
            )
        usual = (find(record, entry["card"], "our_training", against) or {}).get("per_second")
        if usual and entry["what"] == "deterministic":
            what, gain = "deterministic operations", found["per_second"] / usual
        elif usual and arguments.get("loop") is False:
            what, gain = "a loop on the device", usual / found["per_second"]
        else:
            continue
        network = arguments.get("backbone", "vgg16")
        title = _told_arguments({"what": f"{what}, {network}", "arguments": against})
        rows.setdefault(title, {})[entry["card"]] = gain
    return [
        f"| speed with it over that without | {' | '.join(cards)} |",
        f"|{'---|' * (1 + len(cards))}",
        *(
            f"| {title} | "
            + " | ".join(f"{found[card]:.2f}" if card in found else "" for card in cards)
            + " |"
            for title, found in rows.items()
        ),
    ]


def timings(record: list[Entry]) -> list[str]:
    """Write a table of the seconds that each measurement took, for each card and backend."""
    cards = list(dict.fromkeys(entry["card"] for entry in record))
    rows: dict[str, dict[str, Entry]] = {}
    for entry in record:
        rows.setdefault(_told_arguments(entry), {})[entry["card"]] = entry

    def cell(entry: Entry | None) -> str:
        if entry is None:
            return ""
        return "failed" if "error" in entry["figures"] else f"{entry.get('seconds', 0):.0f}"

    took = [[e.get("seconds", 0) for e in record if e["card"] == card] for card in cards]
    return [
        f"| measurement | {' | '.join(f'{card}, s' for card in cards)} |",
        "|---" * (1 + len(cards)) + "|",
        *(f"| {title} | {' | '.join(cell(found.get(card)) for card in cards)} |"
          for title, found in rows.items()),
        f"| all | {' | '.join(f'{sum(some):.0f}' for some in took)} |",
    ]  # fmt: skip


def _told_arguments(entry: Entry) -> str:
    arguments = entry["arguments"]
    parts = [
        arguments.get("kind"), arguments.get("precision"),
        f"batch {arguments['batch']}" if "batch" in arguments else None,
        {True: "loop", False: "steps"}.get(arguments.get("loop")),
        f"{arguments['folds']} folds" if "folds" in arguments else None,
        f"{arguments['width']} activations" if "width" in arguments else None,
        "pinned" if arguments.get("pinned") else None,
    ]  # fmt: skip
    return ", ".join([entry["what"].replace("_", " "), *filter(None, parts)])


def projection(record: list[Entry], card: str) -> list[str]:
    """Project Tables 3 and 4 (all folds and repeats of the protocol); nothing if parts lack."""
    kinds = ("whole_fold", "files_extraction", "head", "baselines")
    parts = {name: [e for e in of(record, card, name) if "error" not in e["figures"]]
             for name in kinds}  # fmt: skip
    lacking = [name for name in kinds if not parts[name]]
    if lacking:
        return ["", f"Tables 3 and 4 are not projected: {', '.join(lacking)} not measured yet."]
    fold, files = parts["whole_fold"][0], parts["files_extraction"][0]
    costs = {name: _cost(record, card, name) for name in TABLE4}
    images = fold["arguments"]["images"]
    found = fold["figures"]
    head, rows = parts["head"][0]["figures"]["second"], parts["head"][0]["arguments"]["images"]
    baselines, base_rows = parts["baselines"][0]["figures"], parts["baselines"][0]["arguments"]
    compiling, beside = (found["first"] - found["second"],
                         found["whole"] - found["first"] - found["second"])  # fmt: skip

    def trained(backbone: str, n: int) -> float:
        """Seconds of all folds of a network on a set: each learns on nine tenths of it."""
        return compiling + FOLDS * found["second"] * 0.9 * n / images * costs[backbone][0]

    def extracted(backbone: str, n: int) -> float:
        scale = find_backbone(backbone).gflops / find_backbone("vgg16").gflops
        return n / files["figures"]["per_second"] * max(1.0, scale) + compiling

    n = SETS["Emotion6"]
    networks = sum(trained(name, n) for name in TABLE3)
    features = extracted("vgg16", n)
    others = FOLDS * sum(baselines.values()) * 0.9 * n / base_rows["images"]
    table3 = beside + networks + features + others
    frozen = sum(extracted(name, n) + FOLDS * head * 0.9 * n / rows
                 for n in SETS.values() for name in TABLE4)  # fmt: skip
    whole = sum(2 * trained(name, n) for n in SETS.values() for name in TABLE4)
    table4 = len(SETS) * beside + frozen + whole
    guessed = [name for name in TABLE4 if not costs[name][1]]
    note = f"; {' and '.join(guessed)} by their operations, not measured" if guessed else ""
    return [
        "",
        f"Projected with `--jobs 1`, {FOLDS} folds, one repeat, with compilation, copies and "
        f"prediction: Table 3 {_minutes(table3)} (two networks {_minutes(networks)}, features "
        f"{_minutes(features)}, seven baselines {_minutes(others)}, all else "
        f"{_minutes(beside)}); Table 4, nine networks on two sets, {_minutes(table4)} (trained "
        f"{_minutes(whole)}, frozen {_minutes(frozen)}){note}.",
    ]


def _cost(record: list[Entry], card: str, backbone: str) -> tuple[float, bool]:
    """Return what an image costs, VGG16's being 1, and whether that was measured."""
    speeds = {
        entry["arguments"].get("backbone", "vgg16"): entry["figures"].get("per_second")
        for entry in reversed(of(record, card, "our_training"))
        if entry["arguments"]["batch"] == 32
        and entry["arguments"]["precision"] == "bfloat16"
        and entry["arguments"]["size"] == 224
        and entry["arguments"].get("loop", True)
    }
    if speeds.get("vgg16") and speeds.get(backbone):
        return float(speeds["vgg16"] / speeds[backbone]), True
    return find_backbone(backbone).gflops / find_backbone("vgg16").gflops, backbone == "vgg16"


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
