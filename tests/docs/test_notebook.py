"""The example notebook runs, and what it shows is true."""

import json
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from places import ROOT

NOTEBOOK = ROOT / "examples" / "notebooks" / "loop.ipynb"

FIGURES = """
print(json.dumps({
    "samples": [sample.code for sample in scene.samples],
    "map": scene.labels().shape,
    "first": agreement(scene.labels(iteration=1)),
    "second": agreement(scene.labels(iteration=2)),
    "places": len(places),
    "folds": len(folds.folds),
    "fold_accuracy": folds.means["overall accuracy"],
    "points": estimate.labelled,
    "estimated": [estimate.overall_accuracy.low, estimate.overall_accuracy.high],
}))
"""


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a kernel that is this Python; Debian's is another one, without this package."""
    folder = tmp_path / "jupyter" / "kernels" / "alcd_otb"
    folder.mkdir(parents=True)
    command = [sys.executable, "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    described = {"argv": command, "display_name": "alcd_otb", "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(described), "utf-8")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    return "alcd_otb"


def test_it_is_kept_without_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_two_iterations_make_a_good_map_and_a_true_estimate(kernel: str, tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(FIGURES))
    NotebookClient(notebook, timeout=600, kernel_name=kernel, resources={"metadata": {"path": str(tmp_path)}}).execute()

    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [output for output in shown if output.output_type == "error"]
    pictures = [output for output in shown if "image/png" in output.get("data", {})]
    assert len(pictures) == 3
    html = "".join(output.data["text/html"] for output in shown if "text/html" in output.get("data", {}))
    for words in ("Two iterations", "Iteration 1", "Iteration 2", "low_clouds", "data:image/jpeg;base64,"):
        assert words in html

    figures = json.loads(notebook.cells[-1].outputs[-1].text)
    assert figures["map"] == [120, 120]
    assert figures["places"] == 24
    assert len(figures["samples"]) == 6 * 4 + 24
    assert 0.7 < figures["first"] < figures["second"]
    assert figures["second"] > 0.9
    assert figures["folds"] == 4
    assert 0.5 < figures["fold_accuracy"] <= 1
    assert figures["points"] == 150
    low, high = figures["estimated"]
    assert low <= figures["second"] <= high
