"""Run an OTB application from Python.

Its outputs can be inputs of other applications, and its errors are exceptions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from otb_pipelines.errors import DamagedFileError, OtbError, OtbMissingError, damage_in
from otb_pipelines.process import bounded_cache, load_otb, noted_gdal_errors
from otb_pipelines.settings import Settings

PIXEL_TYPES = {"uint8": 0, "int16": 1, "uint16": 2, "int32": 3, "uint32": 4, "float": 5, "double": 6}
"""The numbers of OTB's ImagePixelType, by names like those of GDAL."""


@dataclass(frozen=True)
class Output:
    """An image that an application makes, as the input of another one. Its pixels flow through memory.

    Attributes
    ----------
    application
        The application.
    key
        The key of its output parameter.
    """

    application: Application
    key: str = "out"


@dataclass(frozen=True)
class Target:
    """The file that an output image is written to.

    Attributes
    ----------
    path
        The file.
    pixel_type
        A name in PIXEL_TYPES.
    options
        GDAL's creation options.
    nodata
        The no-data value of the bands, or None.
    rows
        Rows that are written at a time, across the image. None leaves it to OTB. A compressed file needs whole blocks,
        since a block that is written in parts is stored once for each part.
    """

    path: Path
    pixel_type: str = "float"
    options: Mapping[str, str] = field(default_factory=dict)
    nodata: float | None = None
    rows: int | None = None

    @property
    def extended_name(self) -> str:
        """OTB's extended file name, which contains GDAL's options."""
        parts = [f"gdal:co:{key}={value}" for key, value in self.options.items()]
        if self.nodata is not None:
            parts.append(f"nodata={self.nodata:g}")
        if self.rows is not None:
            parts += ["streaming:type=stripped", "streaming:sizemode=height", f"streaming:sizevalue={self.rows}"]
        return "&".join([_file_name(self.path) + "?", *parts]) if parts else _file_name(self.path)


Value = str | int | float | bool | Path | Output | Sequence["str | int | Path | Output"]
"""A value of a parameter."""


class Application:
    """An OTB application with its parameters set.

    Inputs that are Outputs of other applications are connected in memory, and those applications are kept alive. No
    pixel flows until an output is written or `execute` is called.

    Parameters
    ----------
    name
        OTB's name of the application.
    parameters
        Values by the keys of the application's parameters.
    settings
        Memory, and the function that is called with the progress.

    Raises
    ------
    OtbError
        The application does not have one of the parameters, or does not accept its value.
    OtbMissingError
        OTB, or the application, is not installed.
    """

    def __init__(self, name: str, parameters: Mapping[str, Value], settings: Settings) -> None:
        self.name = name
        self._parameters = dict(parameters)
        self._upstream: list[Application] = []
        self._executed = False
        self._ram = settings.ram
        self._native = _create(name, settings)
        if settings.progress is not None and hasattr(self._native, "AddProgressCallback"):
            self._native.AddProgressCallback(settings.progress)
        keys = set(self._native.GetParametersKeys(True))
        with self._reported():
            if "ram" in keys and "ram" not in parameters:
                self._native.SetParameterInt("ram", settings.ram)
            for key, value in self._parameters.items():
                if key not in keys:
                    raise OtbError(f"OTB application {name} has no parameter {key!r}")
                self._set(key, value)

    def __getitem__(self, key: str) -> Output:
        return Output(self, key)

    def execute(self) -> None:
        """Run the application, once. An application that makes images only builds its chain, and no pixel flows.

        Raises
        ------
        OtbError
            The application fails.
        """
        if not self._executed:
            with self._reported(), bounded_cache(self._ram):
                self._native.Execute()
            self._executed = True

    def write(self, targets: Mapping[str, Target]) -> None:
        """Pull the pixels through the chain and write outputs, all in one pass.

        Parameters
        ----------
        targets
            Files by the keys of the output parameters.

        Raises
        ------
        OtbError
            The application, or one before it in the chain, fails.
        """
        with self._reported(), bounded_cache(self._ram):
            for key, target in targets.items():
                self._native.SetParameterString(key, target.extended_name)
                self._native.SetParameterOutputImagePixelType(key, PIXEL_TYPES[target.pixel_type])
            self._native.ExecuteAndWriteOutput()
        self._executed = True

    def value(self, key: str) -> Any:
        """Execute the application if need be, and return the value of an input or output parameter."""
        self.execute()
        return self._native.GetParameterValue(key)

    def choices(self, key: str) -> tuple[str, ...]:
        """List the keys that a choice parameter accepts."""
        return tuple(self._native.GetChoiceKeys(key))

    def image(self, key: str) -> Any:
        """Return OTB's own image object of an output."""
        self.execute()
        return self._native.GetParameterOutputImage(key)

    def _set(self, key: str, value: Value) -> None:
        if isinstance(value, Output):
            self._native.SetParameterInputImage(key, self._connect(value))
        elif isinstance(value, str):
            self._native.SetParameterString(key, value)
        elif isinstance(value, Path):
            self._native.SetParameterString(key, _file_name(value))
        elif isinstance(value, bool | int | float):
            # A boolean is set by value: enabling the parameter leaves it false since OTB 8.
            self._native.SetParameterValue(key, value)
        else:
            self._set_list(key, value)

    def _set_list(self, key: str, values: Sequence[str | int | Path | Output]) -> None:
        if not any(isinstance(value, Output) for value in values):
            names = [_file_name(value) if isinstance(value, Path) else str(value) for value in values]
            self._native.SetParameterStringList(key, names)
            return
        for value in values:
            if isinstance(value, Output):
                self._native.AddImageToParameterInputImageList(key, self._connect(value))
            else:
                name = _file_name(value) if isinstance(value, Path) else str(value)
                self._native.AddParameterStringList(key, name)

    def _connect(self, output: Output) -> Any:
        self._upstream.append(output.application)
        return output.application.image(output.key)

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Turn OTB's exceptions, and errors of GDAL that OTB does not notice, into an OtbError."""
        with noted_gdal_errors() as errors:
            try:
                yield
            except OtbError:
                raise
            except RuntimeError as error:
                raise self._failure([str(error), *errors]) from error
        if errors:
            raise self._failure(errors)

    def _failure(self, messages: Sequence[str]) -> OtbError:
        """Make an error of one line, with each message once: a full disk gives the same message for every block."""
        reasons = "; ".join(dict.fromkeys(" ".join(message.split()) for message in messages))
        parameters = " ".join(f"-{key} {_shown(value)}" for key, value in self._parameters.items())
        summary = f"OTB application {self.name} failed: {reasons}"
        message = f"{summary} [{self.name} {parameters}]"
        damage = next((found for one in messages if (found := damage_in(one)) is not None), None)
        return OtbError(message, summary) if damage is None else DamagedFileError(message, summary, damage)


def _create(name: str, settings: Settings) -> Any:
    try:
        native = load_otb(settings).Registry.CreateApplication(name)
    except RuntimeError as error:
        raise OtbError(f"OTB application {name} cannot be made ({' '.join(str(error).split())})") from error
    if native is None:
        raise OtbMissingError(f"OTB application {name} is missing; install Debian's libotb-apps or this package again")
    return native


def _file_name(path: Path) -> str:
    if "?" in str(path):
        raise OtbError(f"{path}: OTB takes what follows a question mark for options; rename the file or folder")
    return str(path)


def _shown(value: Value) -> str:
    if isinstance(value, Output):
        return f"<{value.application.name}.{value.key}>"
    if isinstance(value, Sequence) and not isinstance(value, str):
        runs = ((entry, len(list(equal))) for entry, equal in groupby(map(_shown, value)))
        return " ".join(entry if count == 1 else f"{count} x {entry}" for entry, count in runs)
    return str(value)
