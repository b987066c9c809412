"""One OTB application: its parameters, its outputs as inputs of others, its errors as exceptions of Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from otb_pipelines.errors import OtbError, OtbMissingError
from otb_pipelines.process import gdal_errors, load_otb
from otb_pipelines.settings import Settings

PIXEL_TYPES = {"uint8": 0, "int16": 1, "uint16": 2, "int32": 3, "uint32": 4, "float": 5, "double": 6}
"""OTB's ImagePixelType by GDAL-like names."""


@dataclass(frozen=True)
class Output:
    """An image that an application makes, as input of another one: pixels flow through memory."""

    application: Application
    key: str = "out"


@dataclass(frozen=True)
class Target:
    """Where an output image goes.

    options: GDAL creation options; nodata: the band's no-data value; rows: written at a time, across the image. A
    compressed file wants whole blocks, since one that is written in parts is stored once for each part.
    """

    path: Path
    pixel_type: str = "float"
    options: Mapping[str, str] = field(default_factory=dict)
    nodata: float | None = None
    rows: int | None = None

    @property
    def extended_name(self) -> str:
        """OTB's extended file name, which carries GDAL's options."""
        parts = [f"gdal:co:{key}={value}" for key, value in self.options.items()]
        if self.nodata is not None:
            parts.append(f"nodata={self.nodata:g}")
        if self.rows is not None:
            parts += ["streaming:type=stripped", "streaming:sizemode=height", f"streaming:sizevalue={self.rows}"]
        return "&".join([_file_name(self.path) + "?", *parts]) if parts else _file_name(self.path)


Value = str | int | float | bool | Path | Output | Sequence["str | int | Path | Output"]


class Application:
    """An OTB application with its parameters set.

    Inputs that are Outputs of other applications are connected in memory, and those applications are kept alive.
    Nothing flows until an output is written or `execute` is called.
    """

    def __init__(self, name: str, parameters: Mapping[str, Value], settings: Settings) -> None:
        self.name = name
        self._parameters = dict(parameters)
        self._settings = settings
        self._upstream: list[Application] = []
        self._executed = False
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
        """Run the application; for one that makes images this builds the chain, and no pixel flows."""
        if not self._executed:
            with self._reported():
                self._native.Execute()
            self._executed = True

    def write(self, targets: Mapping[str, Target]) -> None:
        """Pull the pixels through the chain and write the outputs named, all in one pass."""
        with self._reported():
            for key, target in targets.items():
                self._native.SetParameterString(key, target.extended_name)
                self._native.SetParameterOutputImagePixelType(key, PIXEL_TYPES[target.pixel_type])
            self._native.ExecuteAndWriteOutput()
        self._executed = True

    def value(self, key: str) -> Any:
        """A parameter's value, after execution also an output one."""
        self.execute()
        return self._native.GetParameterValue(key)

    def choices(self, key: str) -> tuple[str, ...]:
        """The keys that a choice parameter can take."""
        return tuple(self._native.GetChoiceKeys(key))

    def image(self, key: str) -> Any:
        """OTB's own image object of an output."""
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
        """Turn OTB's exceptions and GDAL's unnoticed errors into an OtbError."""
        before = len(gdal_errors)
        try:
            yield
        except OtbError:
            raise
        except RuntimeError as error:
            raise OtbError(self._failure([str(error), *gdal_errors[before:]])) from error
        finally:
            unnoticed = gdal_errors[before:]
            del gdal_errors[before:]
        if unnoticed:
            raise OtbError(self._failure(unnoticed))

    def _failure(self, messages: Sequence[str]) -> str:
        """One line. A full disk says the same of every block."""
        said = "; ".join(dict.fromkeys(" ".join(message.split()) for message in messages))
        given = " ".join(f"-{key} {_shown(value)}" for key, value in self._parameters.items())
        return f"OTB application {self.name} failed: {said} [{self.name} {given}]"


def _create(name: str, settings: Settings) -> Any:
    native = load_otb(settings).Registry.CreateApplication(name)
    if native is None:
        raise OtbMissingError(f"OTB application {name} is not there; install Debian's libotb-apps or this package anew")
    return native


def _file_name(path: Path) -> str:
    if "?" in str(path):
        raise OtbError(f"{path}: OTB takes what follows a question mark for options; rename the file or folder")
    return str(path)


def _shown(value: Value) -> str:
    if isinstance(value, Output):
        return f"<{value.application.name}.{value.key}>"
    if isinstance(value, Sequence) and not isinstance(value, str):
        runs = ((one, len(list(equal))) for one, equal in groupby(map(_shown, value)))
        return " ".join(one if count == 1 else f"{count} x {one}" for one, count in runs)
    return str(value)
