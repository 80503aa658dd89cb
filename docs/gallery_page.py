"""The gallery: every figure, with its command and its caption."""

from __future__ import annotations

from pathlib import Path

from parts import ROOT, markdown

from benchmark.figures.catalogue import FIGURES


def critical() -> tuple[bytes, str]:
    """Draw critical differences over five small sets, which the default run does not have."""
    import tempfile

    import numpy as np

    import benchmark

    sets = {}
    for number in range(5):
        rng = np.random.default_rng(number)
        X = rng.normal(size=(120, 5))
        D = np.exp(X @ rng.normal(size=(5, 4)) + rng.normal(size=(120, 4)))
        sets[f"drawn {number}"] = X, D / D.sum(axis=1, keepdims=True)
    rows = ["PT-Bayes", "PT-SVM", "AA-kNN", "SA-IIS", "SA-BFGS", "Ridge", "Forest"]
    with tempfile.TemporaryDirectory() as folder:
        study = benchmark.run(rows, datasets=sets, folds=3, jobs=1, out=folder, report=False,
                              progress=False)  # fmt: skip
        figure = study.figure("critical")
        path = Path(folder) / "picture.svg"
        figure.save(path)
        return path.read_bytes(), figure.caption


def gallery_page(critical: str) -> str:
    """Write the gallery: every figure, with its command and its caption.

    Parameters
    ----------
    critical : str
        The caption of ``critical.svg``.
    """
    folder = ROOT / "results" / "demo" / "figures"
    parts = [
        "# Gallery",
        "Every figure, drawn of the default run (`ldl-benchmark run --all`) where that has what it "
        "shows. Each comes as PDF, SVG and PNG with its numbers as CSV and its caption as text; "
        "`--dataset`, `--measure` and `--model` choose what is shown.",
    ]
    for name, kind in FIGURES.items():
        stem = f"figure{name}" if name.isdigit() else name
        parts += [f"## {kind.title}"]
        pictures = sorted(folder.glob(f"{stem}-*.svg")) + sorted(folder.glob(f"{stem}.svg"))
        command = f"ldl-benchmark figure {name} --out results/demo"
        if not pictures:
            needs = {
                "5": "ldl-benchmark run --protocol figure5 --data-dir data\nldl-benchmark figure 5",
                "critical": "ldl-benchmark run --all --dataset SJAFFE --dataset Painting "
                "--dataset Yeast_cold --data-dir data\nldl-benchmark figure critical",
            }
            why = {
                "5": "It needs a run over the width of the wheel's prior, on single-label images.",
                "critical": "It needs a run on three datasets or more.",
            }
            parts += [why[name], f"```sh\n{needs[name]}\n```"]
            if name == "critical":
                caption = f"Of five small sets that are drawn at random. {markdown(critical)}"
                parts += [f"![{kind.title}](critical.svg){{.on-white}}", caption]
            continue
        parts += [f"```sh\n{command}\n```"]
        for picture in pictures:
            caption = picture.with_suffix(".txt").read_text(encoding="utf-8").strip()
            source = f"../../results/demo/figures/{picture.name}"
            parts += [f"![{kind.title}]({source}){{.on-white}}", markdown(caption)]
    return "\n\n".join(parts) + "\n"
