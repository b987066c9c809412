"""A small chain through every kind of memory that crosses between Python and OTB, for tests/memcheck.sh."""

import gc
import sys
import tempfile
from pathlib import Path

import numpy as np
import otbApplication as otb  # noqa: N813

otb.AddLogCallback(lambda _level, _message: None)


def chain(folder: Path) -> float:
    """Arrays in, two connected applications, a file and arrays out; names dropped as early as they can be."""
    first = otb.Registry.CreateApplication("BandMathX")
    first.SetVectorImageFromNumpyArray("il", np.full((16, 12, 3), 2, np.uint16))
    first.SetParameterString("exp", "im1 mult {2, 2, 2}")
    second = otb.Registry.CreateApplication("BandMath")
    second.ConnectImage("il", first, "out")
    second.SetParameterString("exp", "im1b1 + im1b3")
    second.AddProgressCallback(lambda _name, _fraction: None)
    del first
    gc.collect()
    second.SetParameterString("out", folder / "out.tif")
    second.ExecuteAndWriteOutput()
    exported = second.ExportImage("out")
    array = second.GetImageAsNumpyArray("out")
    metadata = second.GetImageMetadata("out")
    del second
    gc.collect()
    third = otb.Registry.CreateApplication("BandMath")
    third.ImportImage("il", exported)
    third.SetParameterString("exp", "im1b1 * 2")
    third.Execute()
    image = third.GetParameterOutputImage("out")
    del third, exported
    gc.collect()
    fourth = otb.Registry.CreateApplication("ConcatenateImages")
    fourth.AddImageToParameterInputImageList("il", image)
    del image
    fourth.Execute()
    total = fourth.GetVectorImageAsNumpyArray("out").sum()
    return float(total + array.sum() + len(metadata.keys()) * 0)


def refused() -> bool:
    """An exception's way out of OTB's thread."""
    application = otb.Registry.CreateApplication("BandMath")
    try:
        application.SetParameterStringList("il", ["/nothing.tif"])
    except otb.ApplicationError:
        return True
    return False


with tempfile.TemporaryDirectory() as temporary:
    # 16 x 12 pixels: 8 each after the second application, 16 after the third.
    sound = chain(Path(temporary)) == 16 * 12 * (8 + 16) and refused()
sys.exit(0 if sound else 1)
