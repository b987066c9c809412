"""The otbApplication module: parameters, errors, lifetimes, callbacks, interruption."""

import gc
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import otbApplication as otb  # noqa: N813
import pytest
from osgeo import gdal


@pytest.fixture
def ramp() -> np.ndarray:
    """(rows, columns) = (3, 4), values 0..11: no two pixels alike."""
    return np.arange(12, dtype=np.uint16).reshape(3, 4)


@pytest.fixture
def log():
    """What OTB logs meanwhile: (level, message)."""
    lines: list[tuple[int, str]] = []
    token = otb.AddLogCallback(lambda level, message: lines.append((level, message)))
    yield lines
    otb.RemoveLogCallback(token)


def band_math(image: np.ndarray, expression: str) -> otb.Application:
    application = otb.Registry.CreateApplication("BandMath")
    application.SetImageFromNumpyArray("il", image)
    application.SetParameterString("exp", expression)
    return application


def run_python(code: str, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_registry_lists_what_it_can_create():
    names = otb.Registry.GetAvailableApplications()
    assert {"BandMathX", "ImageClassifier", "TrainImagesClassifier", "ConcatenateImages"} <= set(names)
    assert otb.Registry.CreateApplication("BandMath").GetName() == "BandMath"
    assert otb.Registry.CreateApplication("NoSuchApplication") is None


def test_application_path_is_set_by_default():
    code = "import os; os.environ.pop('OTB_APPLICATION_PATH', None); import otbApplication as o;"
    code += "print(os.environ['OTB_APPLICATION_PATH'], len(o.Registry.GetAvailableApplications()) > 50)"
    folder, found = run_python(code).stdout.split()
    assert (Path(folder) / "otbapp_BandMath.so").is_file()
    assert found == "True"


def test_given_application_path_is_respected(tmp_path):
    code = "import os, sys; os.environ['OTB_APPLICATION_PATH'] = sys.argv[1]; import otbApplication as o;"
    code += "print(o.Registry.GetApplicationPath(), o.Registry.CreateApplication('BandMath'))"
    assert run_python(code, str(tmp_path)).stdout.split()[0] == str(tmp_path)


def test_constants_are_plain_integers_of_otb():
    assert (otb.ImagePixelType_uint8, otb.ImagePixelType_float, otb.ImagePixelType_cdouble) == (0, 5, 10)
    assert (otb.Role_Input, otb.Role_Output) == (0, 1)
    application = otb.Registry.CreateApplication("BandMath")
    assert application.GetParameterType("il") == otb.ParameterType_InputImageList
    assert application.GetParameterType("out") == otb.ParameterType_OutputImage
    assert application.GetParameterTypeAsString(otb.ParameterType_RAM) == "ParameterType_RAM"
    information = otb.Registry.CreateApplication("ReadImageInfo")
    assert information.GetParameterRole("in") == otb.Role_Input
    assert information.GetParameterRole("sizex") == otb.Role_Output


def test_getters_give_back_what_setters_took(raster):
    application = otb.Registry.CreateApplication("TrainImagesClassifier")
    application.SetParameterInt("sample.mt", 17)
    application.SetParameterFloat("sample.vtr", 0.25)
    application.SetParameterString("classifier", "rf")
    application.SetParameterStringList("io.il", [raster, str(raster)])
    assert application.GetParameterInt("sample.mt") == 17
    assert application.GetParameterFloat("sample.vtr") == 0.25
    assert application.GetParameterString("classifier") == "rf"
    assert application.GetParameterStringList("io.il") == [str(raster)] * 2
    assert "rf" in application.GetChoiceKeys("classifier")
    assert application.HasUserValue("sample.mt")
    application.ClearValue("io.il")
    assert not application.HasValue("io.il")


def test_values_are_set_by_their_parameter_s_type():
    application = otb.Registry.CreateApplication("ClassificationMapRegularization")
    application.SetParameters({"ip.radius": 2, "ip.suvbool": True, "ram": 512, "io.out": Path("/tmp/x.tif")})
    assert application.GetParameterValue("ip.radius") == 2
    assert application.GetParameterValue("ip.suvbool") is True
    assert application.GetParameterValue("ip.onlyisolatedpixels") is False
    assert application.GetParameters()["ram"] == 512
    assert application.GetParameterValue("io.out") == "/tmp/x.tif"


def test_parameters_as_attributes():
    application = otb.Registry.CreateApplication("Smoothing")
    application.TYPE = "mean"
    application.TYPE.MEAN.RADIUS = 3
    assert application.TYPE == "mean"
    assert str(application.TYPE) == "mean"
    assert isinstance(application.TYPE, otb.ApplicationProxy)
    assert application.GetParameterInt("type.mean.radius") == 3
    with pytest.raises(AttributeError, match="NOSUCH"):
        application.NOSUCH  # noqa: B018
    with pytest.raises(AttributeError, match="nosuch"):
        application.nosuch = 1


def test_wrong_types_are_refused():
    application = otb.Registry.CreateApplication("BandMath")
    with pytest.raises(TypeError):
        application.SetParameterInt("ram", 1.5)
    with pytest.raises(TypeError):
        application.SetParameterString("exp", 3)
    with pytest.raises(ValueError, match="99"):
        application.SetParameterOutputImagePixelType("out", 99)


def test_errors_carry_otb_s_own_words(tmp_path, log):
    application = otb.Registry.CreateApplication("BandMath")
    missing = tmp_path / "missing.tif"
    with pytest.raises(RuntimeError, match=r"missing\.tif.*does not exist"):
        application.SetParameterStringList("il", [str(missing)])
    with pytest.raises(otb.ApplicationError, match="nosuchkey"):
        application.SetParameterInt("nosuchkey", 1)
    assert issubclass(otb.ApplicationError, RuntimeError)
    assert all("\n" not in message for _, message in log)


def test_bad_expression_is_an_error_and_the_application_still_works(ramp):
    application = band_math(ramp, "im1b1 +* 2")
    application.Execute()
    with pytest.raises(RuntimeError):
        application.GetImageAsNumpyArray("out")
    application.SetParameterString("exp", "im1b1 + 2")
    application.Execute()
    np.testing.assert_array_equal(application.GetImageAsNumpyArray("out"), ramp + 2)


def test_xml_brings_parameters_back(tmp_path, raster):
    saved = tmp_path / "parameters.xml"
    first = otb.Registry.CreateApplication("Smoothing")
    first.SetParameterString("in", raster)
    first.SetParameterString("type", "mean")
    first.SetParameterInt("type.mean.radius", 4)
    first.SetParameterString("out", tmp_path / "out.tif")
    first.SaveParametersToXML(saved)
    second = otb.Registry.CreateApplication("Smoothing")
    second.LoadParametersFromXML(saved)
    assert second.GetParameterInt("type.mean.radius") == 4
    assert second.GetParameterString("in") == str(raster)
    assert second.GetParameterString("type") == "mean"


def test_documentation_is_there():
    application = otb.Registry.CreateApplication("BandMath")
    assert "mathematical" in application.GetDocLongDescription().lower()
    assert application.GetNumberOfExamples() >= 1
    assert application.GetExampleParameterKey(0, 0) in application.GetParametersKeys()
    assert "otbcli_BandMath" in application.GetCLExample()
    assert application.IsDeprecated() is False


def test_write_output_writes_the_pixel_type_asked_for(tmp_path, ramp):
    application = band_math(ramp, "im1b1 * 3")
    out = tmp_path / "été avec espaces.tif"
    application.SetParameterString("out", out)
    application.SetParameterOutputImagePixelType("out", otb.ImagePixelType_int16)
    assert application.ExecuteAndWriteOutput() == 0
    dataset = gdal.Open(str(out))
    assert dataset.GetRasterBand(1).DataType == gdal.GDT_Int16
    np.testing.assert_array_equal(dataset.ReadAsArray(), ramp * 3)


def test_two_outputs_are_written_in_one_pass(tmp_path, raster):
    written: set[str] = set()
    application = otb.Registry.CreateApplication("MeanShiftSmoothing")
    application.SetParameterString("in", raster)
    application.SetParameterString("fout", tmp_path / "fout.tif")
    application.SetParameterString("foutpos", tmp_path / "foutpos.tif")
    application.AddProgressCallback(lambda name, _: written.add(name))
    application.ExecuteAndWriteOutput()
    assert gdal.Open(str(tmp_path / "fout.tif")).RasterCount == 2
    assert (tmp_path / "foutpos.tif").is_file()
    assert {name for name in written if name.startswith("Writing")} == {"Writing 2 output images ..."}


def test_connected_application_is_kept_alive(tmp_path, ramp):
    first = band_math(ramp, "im1b1 + 1")
    second = otb.Registry.CreateApplication("BandMath")
    assert second.ConnectImage("il", first, "out")
    del first
    gc.collect()
    second.SetParameterString("exp", "im1b1 * 10")
    second.SetParameterString("out", tmp_path / "out.tif")
    second.ExecuteAndWriteOutput()
    np.testing.assert_array_equal(gdal.Open(str(tmp_path / "out.tif")).ReadAsArray(), (ramp + 1) * 10)


def test_image_keeps_its_application_alive(tmp_path, ramp):
    first = band_math(ramp, "im1b1 + 1")
    first.Execute()
    image = first.GetParameterOutputImage("out")
    del first
    gc.collect()
    second = otb.Registry.CreateApplication("ConcatenateImages")
    second.AddImageToParameterInputImageList("il", image)
    second.AddImageToParameterInputImageList("il", image)
    del image
    gc.collect()
    assert second.GetNumberOfElementsInParameterInputImageList("il") == 2
    second.SetParameterString("out", tmp_path / "out.tif")
    second.ExecuteAndWriteOutput()
    expected = np.stack([ramp + 1, ramp + 1])
    np.testing.assert_array_equal(gdal.Open(str(tmp_path / "out.tif")).ReadAsArray(), expected)


def test_replaced_source_is_gone_only_after_the_next_execution(ramp):
    first = band_math(ramp, "im1b1 + 1")
    second = otb.Registry.CreateApplication("BandMathX")
    second.ConnectImage("il", first, "out")
    second.SetParameterString("exp", "im1 mult {2}")
    second.Execute()
    second.ClearValue("il")
    del first
    gc.collect()
    # OTB itself drops the filter between the two, which is an error, not a crash.
    with pytest.raises(otb.ApplicationError):
        second.GetImageAsNumpyArray("out")
    second.SetVectorImageFromNumpyArray("il", ramp)
    second.Execute()
    np.testing.assert_array_equal(second.GetImageAsNumpyArray("out"), ramp * 2)


def test_application_cannot_read_its_own_output(ramp):
    first = band_math(ramp, "im1b1 + 1")
    second = otb.Registry.CreateApplication("BandMath")
    second.ConnectImage("il", first, "out")
    with pytest.raises(RuntimeError, match="its own output"):
        first.ConnectImage("il", second, "out")


@pytest.mark.parametrize("in_memory", [True, False])
def test_connect_mode(tmp_path, ramp, in_memory):
    first = band_math(ramp, "im1b1 + 1")
    middle = tmp_path / "middle.tif"
    first.SetParameterString("out", middle)
    second = otb.Registry.CreateApplication("BandMath")
    second.ConnectImage("il", first, "out")
    second.SetParameterString("exp", "im1b1 * 10")
    second.SetParameterString("out", tmp_path / "out.tif")
    second.PropagateConnectMode(in_memory)
    second.ExecuteAndWriteOutput()
    assert middle.exists() is not in_memory
    np.testing.assert_array_equal(gdal.Open(str(tmp_path / "out.tif")).ReadAsArray(), (ramp + 1) * 10)


def test_log_goes_to_the_callback_and_not_to_stdout(ramp, log, capfd):
    band_math(ramp, "im1b1").Execute()
    assert (20, "BandMath: Image #1 has 1 components") in log
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == ""


def test_log_goes_to_stdout_without_a_callback():
    # In a process of its own, where nothing else has added a callback.
    script = """
import numpy as np
import otbApplication as otb

application = otb.Registry.CreateApplication("BandMath")
application.SetImageFromNumpyArray("il", np.ones((4, 5), np.float32))
application.SetParameterString("exp", "im1b1")
application.Execute()
"""
    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "(INFO) BandMath: Image #1 has 1 components" in finished.stdout


def test_application_without_logger_is_silent(ramp, log):
    application = otb.Registry.CreateApplicationWithoutLogger("BandMath")
    application.SetImageFromNumpyArray("il", ramp)
    application.SetParameterString("exp", "im1b1")
    application.Execute()
    assert [message for _, message in log if message.startswith("BandMath")] == []


def test_logger_levels(log):
    logger = otb.Logger.Instance()
    level = logger.GetPriorityLevel()
    try:
        logger.SetPriorityLevel(3)
        logger.Info("not said")
        logger.Warning("said")
    finally:
        logger.SetPriorityLevel(level)
    assert log == [(30, "said")]


def test_removed_callback_is_called_no_more(ramp, log):
    heard: list[str] = []
    token = otb.AddLogCallback(lambda _, message: heard.append(message))
    otb.RemoveLogCallback(token)
    band_math(ramp, "im1b1").Execute()
    assert heard == []
    assert log
    with pytest.raises(KeyError):
        otb.RemoveLogCallback(token)


def test_progress_rises_to_one(tmp_path):
    heard: list[tuple[str, float]] = []
    application = band_math(np.ones((500, 500), np.float32), "im1b1 * 2")
    application.SetParameterString("out", f"{tmp_path / 'out.tif'}?&streaming:type=stripped&streaming:sizevalue=50")
    token = application.AddProgressCallback(lambda name, fraction: heard.append((name, fraction)))
    application.ExecuteAndWriteOutput()
    application.RemoveProgressCallback(token)
    fractions = [fraction for name, fraction in heard if name.startswith("Writing")]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert len(fractions) >= 5


def test_what_a_progress_callback_raises_ends_the_run(tmp_path):
    def refuse(name: str, fraction: float) -> None:
        raise LookupError(f"{name} at {fraction}")

    application = band_math(np.ones((300, 300), np.float32), "im1b1 * 2")
    application.SetParameterString("out", tmp_path / "out.tif")
    token = otb.AddProgressCallback(refuse)
    try:
        with pytest.raises(LookupError, match="Writing"):
            application.ExecuteAndWriteOutput()
    finally:
        otb.RemoveProgressCallback(token)
    application.ExecuteAndWriteOutput()
    assert gdal.Open(str(tmp_path / "out.tif")).ReadAsArray().min() == 2


INTERRUPTED_WRITE = """
    import os, signal, sys, threading, time
    import numpy as np
    import otbApplication as otb

    otb.AddLogCallback(lambda level, message: None)
    application = otb.Registry.CreateApplication("Smoothing")
    application.SetVectorImageFromNumpyArray("in", np.ones((3000, 3000), np.float32))
    application.SetParameterString("type", "mean")
    application.SetParameterInt("type.mean.radius", 40)
    application.SetParameterString("out", sys.argv[1])
    application.Execute()
    sent = []
    def interrupt():
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)
    threading.Timer(0.7, interrupt).start()
    try:
        application.WriteOutput()
        print("finished")
    except KeyboardInterrupt:
        print("interrupted", time.monotonic() - sent[0])
    again = otb.Registry.CreateApplication("BandMath")
    again.SetImageFromNumpyArray("il", np.ones((2, 2), np.float32))
    again.SetParameterString("exp", "im1b1 + 41")
    again.Execute()
    print(again.GetImageAsNumpyArray("out")[0, 0])
"""

INTERRUPTED_TRAINING = """
    import os, signal, sys, threading, time
    import otbApplication as otb

    otb.AddLogCallback(lambda level, message: None)
    application = otb.Registry.CreateApplication("TrainVectorClassifier")
    application.SetParameterStringList("io.vd", [sys.argv[1]])
    application.SetParameterString("io.out", sys.argv[2])
    application.UpdateParameters()
    application.SetParameterStringList("feat", ["a", "b", "c"])
    application.SetParameterStringList("cfield", ["class"])
    application.SetParameterString("classifier", "ann")
    application.SetParameterStringList("classifier.ann.sizes", ["80", "80"])
    application.SetParameterString("classifier.ann.term", "iter")
    application.SetParameterInt("classifier.ann.iter", 100000000)
    sent = []
    def interrupt():
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)
    threading.Timer(1.0, interrupt).start()
    try:
        application.Execute()
        print("finished")
    except KeyboardInterrupt:
        print("interrupted", time.monotonic() - sent[0])
    try:
        application.Execute()
    except otb.ApplicationError as error:
        print("refused", "busy" in str(error))
    sys.exit(7)
"""


def test_ctrl_c_stops_a_write_within_two_seconds(tmp_path):
    result = run_python(INTERRUPTED_WRITE, str(tmp_path / "out.tif"))
    assert result.returncode == 0, result.stderr
    stopped, value = result.stdout.splitlines()
    word, seconds = stopped.split()
    assert word == "interrupted"
    assert float(seconds) < 2.0
    assert value == "42.0"


def test_ctrl_c_leaves_a_training_that_reports_no_progress(tmp_path):
    samples = tmp_path / "samples.csv"
    generator = np.random.default_rng(1)
    rows = generator.normal(size=(3000, 3))
    lines = ["a,b,c,class"] + [f"{a},{b},{c},{int(a * b > 0) + 1}" for a, b, c in rows]
    samples.write_text("\n".join(lines))
    table = gdal.OpenEx(str(samples), gdal.OF_VECTOR, open_options=["AUTODETECT_TYPE=YES"])
    gdal.VectorTranslate(str(tmp_path / "samples.gpkg"), table)
    result = run_python(INTERRUPTED_TRAINING, str(tmp_path / "samples.gpkg"), str(tmp_path / "model"))
    assert result.returncode == 7, result.stdout + result.stderr
    stopped, refused = result.stdout.splitlines()
    word, seconds = stopped.split()
    assert word == "interrupted"
    assert float(seconds) < 2.0
    assert refused == "refused True"


def test_stop_from_another_thread():
    code = """
        import sys, threading
        import numpy as np
        import otbApplication as otb

        application = otb.Registry.CreateApplicationWithoutLogger("Smoothing")
        application.SetVectorImageFromNumpyArray("in", np.ones((3000, 3000), np.float32))
        application.SetParameterString("type", "mean")
        application.SetParameterInt("type.mean.radius", 40)
        application.Execute()
        threading.Timer(0.5, application.Stop).start()
        try:
            application.GetImageAsNumpyArray("out")
        except otb.ApplicationError as error:
            otb.AddLogCallback(lambda level, message: None)
            print(error)
    """
    assert run_python(code).stdout.splitlines()[-1] == "Smoothing was stopped"


def test_other_python_threads_run_meanwhile():
    code = """
        import sys, threading, time
        import numpy as np
        import otbApplication as otb

        otb.AddLogCallback(lambda level, message: None)
        application = otb.Registry.CreateApplication("Smoothing")
        application.SetVectorImageFromNumpyArray("in", np.ones((800, 800), np.float32))
        application.SetParameterString("type", "mean")
        application.SetParameterInt("type.mean.radius", 30)
        application.Execute()
        ticks, done = [], threading.Event()
        def tick():
            while not done.is_set():
                ticks.append(1)
                time.sleep(0.01)
        thread = threading.Thread(target=tick)
        thread.start()
        application.GetImageAsNumpyArray("out")
        done.set()
        thread.join()
        print(len(ticks))
    """
    assert int(run_python(code).stdout) >= 5
