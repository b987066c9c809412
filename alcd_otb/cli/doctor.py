"""The diagnosis of an installation: what is installed, what is missing, and how to install it."""

import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from alcd_otb.raster.drivers import environment_problems
from otb_pipelines.errors import OtbError
from otb_pipelines.installation import check_single, loaded_libraries
from otb_pipelines.machine import Machine, find_machine
from otb_pipelines.process import available_applications, forest_plugin, gdal, is_own_module, load_otb
from otb_pipelines.settings import Settings

NEEDED_APPLICATIONS = (
    "BinaryMorphologicalOperation",
    "ComputeConfusionMatrix",
    "ComputeImagesStatistics",
    "ConcatenateImages",
    "EdgeExtraction",
    "ExtractROI",
    "ImageClassifier",
    "LocalStatisticExtraction",
    "TrainVectorClassifier",
)
"""OTB applications without which a run cannot work."""

OWN_APPLICATIONS = (
    "BandReading",
    "ClassShares",
    "ClassificationMapCleaning",
    "FormulaEvaluation",
    "LogisticRegressionClassification",
    "LogisticRegressionTraining",
    "RandomForestClassification",
    "RandomForestTraining",
    "ShareClassification",
    "StackWriting",
)
"""The OTB applications that this package brings."""

_MODULES = {name: f"python3-{name}" for name in ("fiona", "jinja2", "lxml", "numpy")}
"""Python's modules from Debian, and the packages that hold them."""


@dataclass
class Diagnosis:
    """What was found on this machine.

    Attributes
    ----------
    versions
        By name of what was found.
    libraries
        The files of GDAL, OTB and ITK that the process has loaded, by name.
    bindings
        The file of OTB's Python module.
    bindings_of
        Where it comes from: ``OTB`` or ``alcd_otb``.
    applications
        Names of the OTB applications.
    application_path
        Folders in which OTB looks for applications, beside its own.
    forest_plugin
        The file with which OTB runs random forests fast. Without it they run slower.
    memory
        Megabytes that this process may use.
    threads
        Threads of the per-pixel work.
    ram
        Megabytes that a chain may buffer.
    machine
        The limits that were found, and where.
    problems
        What is wrong, and the command that installs what is missing.
    """

    versions: dict[str, str] = field(default_factory=dict)
    libraries: dict[str, str] = field(default_factory=dict)
    bindings: str | None = None
    bindings_of: str | None = None
    applications: tuple[str, ...] = ()
    application_path: str = ""
    forest_plugin: str | None = None
    memory: int = 0
    threads: int = 0
    ram: int = 0
    machine: Machine = field(default_factory=find_machine)
    problems: list[tuple[str, str]] = field(default_factory=list)

    @property
    def is_ready(self) -> bool:
        """Whether a scene can be run."""
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """Return what ``doctor --json`` prints."""
        problems = [{"problem": problem, "remedy": remedy} for problem, remedy in self.problems]
        return {"ready": self.is_ready, **asdict(self), "problems": problems}

    def summary(self) -> str:
        """Return what ``doctor`` prints."""
        lines = [f"{name} {version}" for name, version in self.versions.items()]
        lines += [f"{name}: {path}" for name, path in self.libraries.items()]
        if self.bindings is not None:
            lines.append(f"Python bindings of OTB, brought by {self.bindings_of}: {self.bindings}")
        lines += [
            f"{len(self.applications)} OTB applications in {self.application_path or 'the default path'}",
            f"fast forest: {self.forest_plugin or 'not built; make install builds it'}",
            f"memory {self.memory} MB, of which a chain buffers {self.ram} MB; {self.threads} threads",
            *self._limits(),
        ]
        lines += [f"MISSING: {problem}\n  remedy: {remedy}" for problem, remedy in self.problems]
        return "\n".join([*lines, "ready" if self.is_ready else "not ready"])

    def _limits(self) -> list[str]:
        """Return a line for each limit and its source. The smallest limit applies, unless an option replaces it."""
        machine = self.machine
        lines = [f"  threads at most {limit.value}: {limit.source}" for limit in machine.processors]
        lines += [f"  memory at most {limit.value} MB: {limit.source}" for limit in machine.memory]
        lines += [f"  buffer of a chain at most {limit.value} MB: {limit.source}" for limit in machine.ram]
        lines += [f"  cache of GDAL at most {limit.value} MB: {limit.source}" for limit in machine.cache]
        if self.threads != machine.threads.value:
            lines.append(f"  threads {self.threads}: --threads")
        if self.ram != machine.default_ram.value:
            lines.append(f"  buffer of a chain {self.ram} MB: --ram")
        return [*lines, *(f"  ignored: {sentence}" for sentence in machine.ignored)]


def diagnose(settings: Settings) -> Diagnosis:
    """Check everything that a run needs. Missing parts are listed as problems, and raise no error."""
    found = Diagnosis(threads=settings.threads, ram=settings.ram)
    found.memory = found.machine.usable_memory.value
    plugin = forest_plugin()
    found.forest_plugin = str(plugin) if plugin else None
    found.versions["gdal"] = gdal.__version__
    found.problems += environment_problems()
    for module, package in _MODULES.items():
        if find_spec(module) is None:
            found.problems.append((f"Python module {module} is missing", f"apt-get install {package}"))
    # Not needed but for a template that names one of its classifiers.
    with suppress(PackageNotFoundError):
        found.versions["scikit-learn"] = version("scikit-learn")
    try:
        otb = load_otb(settings)
        found.bindings, found.bindings_of = str(otb.__file__), "alcd_otb" if is_own_module(otb) else "OTB"
        found.applications = available_applications(settings)
        loaded = loaded_libraries()
        found.libraries = {library.name: library.path for library in loaded}
        of_name = {library.name: library.version for library in loaded}
        found.versions["otb"], found.versions["itk"] = of_name.get("OTB", "unknown"), of_name.get("ITK", "unknown")
        # Applications of another build may have brought a second one.
        check_single(loaded)
    except OtbError as error:
        found.problems.append((str(error), "make install"))
        return found
    found.application_path = os.environ.get("OTB_APPLICATION_PATH", "")
    lacking = sorted(set(NEEDED_APPLICATIONS) - set(found.applications))
    if lacking:
        found.problems.append((f"OTB lacks the applications {', '.join(lacking)}", "apt-get install libotb-apps"))
    unbuilt = sorted(set(OWN_APPLICATIONS) - set(found.applications))
    if unbuilt:
        found.problems.append((f"this package's applications {', '.join(unbuilt)} were not built", "make install"))
    return found
