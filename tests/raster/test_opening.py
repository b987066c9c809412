"""Files are opened by the drivers that may read them, and nothing that a file says makes GDAL ask a server."""

import ast
import http.server
import json
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import pytest
from mask_files import write_raster
from osgeo import gdal
from scenes import FinishedScene, refused, write_scene

import alcd_otb
from alcd_otb.errors import AlcdError
from alcd_otb.masks.mask import common_grid
from alcd_otb.preparation.terrain import warp_elevation
from alcd_otb.products.jpeg2000 import coarsest_level
from alcd_otb.products.stack import read_stack
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.opening import GIVEN_RASTERS, JPEG2000, open_features, open_raster
from alcd_otb.samples.layers import holds_samples
from alcd_otb.samples.reading import read_samples
from alcd_otb.settings.legend import Legend, LegendClass

ROOT = Path(alcd_otb.__file__).parents[1]
OPENING = {
    "gdal": {"Open", "OpenEx", "OpenShared", "BuildVRT", "Info", "IdentifyDriver", "GetDriverByName"},
    "ogr": {"Open", "OpenShared", "GetDriverByName"},
    "fiona": {"open", "listlayers"},
}
ALLOWED = {
    "alcd_otb/raster/opening.py": {"gdal.OpenEx", "gdal.GetDriverByName", "fiona.open"},
    "alcd_otb/raster/drivers.py": {"gdal.GetDriverByName", "ogr.GetDriverByName"},
    # Of what they have just written themselves.
    "otb_pipelines/pixels.py": {"gdal.OpenEx"},
    "otb_pipelines/pixel_image.py": {"gdal.GetDriverByName"},
}
SOURCES = {"Warp", "Translate", "VectorTranslate", "DEMProcessing"}

LEGEND = Legend((LegendClass("land", 5, "#00ff00"), LegendClass("water", 6, "#0000ff")))
GRID = Grid("EPSG:32631", 600000, 4900020, 10, 64, 64)


class Server:
    """A server on this machine, and the requests that it got."""

    def __init__(self) -> None:
        requests: list[str] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                requests.append(self.path)
                self.send_error(404)

            do_HEAD = do_POST = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self.requests = requests
        self.native = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.native.server_port}"
        threading.Thread(target=lambda: self.native.serve_forever(0.01), daemon=True).start()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Run a server without the proxy that the command line sets for its process, so that the checks are tested."""
    for option in ("GDAL_HTTP_PROXY", "GDAL_HTTPS_PROXY"):
        gdal.SetConfigOption(option, None)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    started = Server()
    yield started
    started.native.shutdown()
    started.native.server_close()


def described(address: str) -> dict[str, str]:
    """Return descriptions of servers, each for one of GDAL's drivers, and virtual rasters that lead to them."""
    wcs = f"<WCS_GDAL><ServiceURL>{address}/wcs?</ServiceURL><CoverageName>x</CoverageName></WCS_GDAL>"
    remote = f"/vsicurl/{address}/a.tif"
    vrt = '<VRTDataset rasterXSize="9" rasterYSize="9"><SRS>EPSG:32631</SRS><GeoTransform>0,1,0,9,0,-1</GeoTransform>'
    band = '<VRTRasterBand dataType="Byte" band="1"{}>{}</VRTRasterBand></VRTDataset>'

    def source(name: str, kind: str = "SimpleSource") -> str:
        named = f'<SourceFilename relativeToVRT="0">{escape(name)}</SourceFilename><SourceBand>1</SourceBand>'
        return vrt + band.format("", f"<{kind}>{named}</{kind}>")

    code = f"import urllib.request as u\ndef f(*a): u.urlopen('{address}/python')\n"
    return {
        "wcs": wcs,
        "wcs after spaces": f" \n{wcs}",
        "wms": f'<GDAL_WMS><Service name="WMS"><ServerUrl>{address}/wms?</ServerUrl></Service></GDAL_WMS>',
        "tms": f'<GDAL_WMS><Service name="TMS"><ServerUrl>{address}/${{z}}/${{x}}/${{y}}</ServerUrl></Service>'
        "<DataWindow><UpperLeftX>0</UpperLeftX><UpperLeftY>9</UpperLeftY><LowerRightX>9</LowerRightX>"
        "<LowerRightY>0</LowerRightY><SizeX>9</SizeX><SizeY>9</SizeY></DataWindow></GDAL_WMS>",
        "wmts": f"<GDAL_WMTS><GetCapabilitiesUrl>{address}/wmts</GetCapabilitiesUrl></GDAL_WMTS>",
        "ogcapi": f"OGCAPI:{address}",
        "stacta": json.dumps({"stac_extensions": ["tiled-assets"], "links": [{"rel": "x", "href": address}]}),
        "mrf": f"<MRF_META><CachedSource><Source>{remote}</Source></CachedSource><Raster><Size x='9' y='9'/></Raster>"
        "</MRF_META>",
        "vrt": source(remote),
        "vrt complex": source(remote, "ComplexSource"),
        "vrt average": source(remote, "AveragedSource"),
        "vrt of a description": source(wcs),
        "vrt by a prefix": source(f"WMTS:{address}/wmts"),
        "vrt in an archive": source(f"/vsizip//vsicurl/{address}/a.zip/a.tif"),
        "vrt streamed": source(f"/vsicurl_streaming/{address}/a.tif"),
        "vrt with a reference": source("PLACE").replace("PLACE", f"&#47;vsicurl/{address}/a.tif"),
        "vrt warped": f'<VRTDataset rasterXSize="9" rasterYSize="9" subClass="VRTWarpedDataset"><GDALWarpOptions>'
        f"<SourceDataset>{remote}</SourceDataset></GDALWarpOptions></VRTDataset>",
        "vrt pansharpened": f'<VRTDataset subClass="VRTPansharpenedDataset"><PansharpeningOptions><PanchroBand>'
        f"<SourceFilename>{remote}</SourceFilename></PanchroBand></PansharpeningOptions></VRTDataset>",
        "vrt with overviews": vrt
        + band.format("", f"<Overview><SourceFilename>{remote}</SourceFilename><SourceBand>1</SourceBand></Overview>"),
        "vrt with python": vrt
        + band.format(
            ' subClass="VRTDerivedRasterBand"',
            "<PixelFunctionType>f</PixelFunctionType><PixelFunctionLanguage>Python</PixelFunctionLanguage>"
            f"<PixelFunctionCode>{escape(code)}</PixelFunctionCode>",
        ),
        "vrt raw": vrt + band.format(' subClass="VRTRawRasterBand"', f"<SourceFilename>{remote}</SourceFilename>"),
        "vrt with metadata": vrt
        + f'<Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">{remote}</MDI></Metadata>'
        + band.format("", ""),
        "vrt with entities": f'<!DOCTYPE a [<!ENTITY b "{remote}">]>' + source("&b;"),
    }


NAMES = list(described(""))


def refuses_everywhere(path: Path, folder: Path) -> None:
    """Have a raster refused as mask, stack, elevation model and band."""
    for use in (
        lambda: common_grid([path]),
        lambda: read_stack(path),
        lambda: warp_elevation(path, GRID, folder),
        lambda: coarsest_level(str(path), 60),
        lambda: Grid.of(path, JPEG2000),
        lambda: Grid.of(path),
    ):
        with pytest.raises(AlcdError) as caught:
            use()
        assert caught.value.exit_code == 3
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("suffix", [".jp2", ".vrt"])
def test_no_raster_makes_a_request(name: str, suffix: str, server: Server, tmp_path: Path) -> None:
    path = tmp_path / f"given{suffix}"
    path.write_text(described(server.address)[name])
    refuses_everywhere(path, tmp_path)
    # As a tile of a mosaic.
    mosaic = tmp_path / "mosaic.vrt"
    mosaic.write_text(described(server.address)["vrt"].replace(f"/vsicurl/{server.address}/a.tif", str(path)))
    refuses_everywhere(mosaic, tmp_path)
    assert server.requests == []


@pytest.mark.parametrize("beside", [".ovr", ".msk", ".ovr.ovr"])
@pytest.mark.parametrize("name", ["wcs", "wms", "vrt"])
def test_no_file_beside_a_raster_makes_a_request(name: str, beside: str, server: Server, tmp_path: Path) -> None:
    path = write_raster(tmp_path / "given.tif", np.zeros((600, 600), np.uint8), 10)
    if beside == ".ovr.ovr":
        shutil.copy(path, f"{path}.ovr")
    Path(f"{path}{beside}").write_text(described(server.address)[name])
    with pytest.raises(RuntimeError, match="overviews or masks"):
        open_raster(path)
    band = write_raster(tmp_path / "band.jp2", np.zeros((600, 600), np.uint16), 10)
    shutil.copy(f"{path}{beside}", f"{band}{beside}")
    if beside == ".ovr.ovr":
        shutil.copy(f"{path}.ovr", f"{band}.ovr")
    with pytest.raises(RuntimeError, match="overviews or masks"):
        open_raster(str(band), JPEG2000)
    assert server.requests == []


@pytest.mark.parametrize("inside", [True, False])
def test_no_metadata_name_another_file(inside: bool, server: Server, tmp_path: Path) -> None:
    path = write_raster(tmp_path / "given.tif", np.zeros((600, 600), np.uint8), 10)
    remote = f"/vsicurl/{server.address}/o.tif"
    if inside:
        image = gdal.OpenEx(str(path), gdal.OF_UPDATE)
        image.SetMetadataItem("OVERVIEW_FILE", remote, "OVERVIEWS")
        del image
        server.requests.clear()
    else:
        text = f'<MDI key="overview_file">{remote}</MDI>'
        Path(f"{path}.aux.xml").write_text(f'<PAMDataset><Metadata domain="OVERVIEWS">{text}</Metadata></PAMDataset>')
    with pytest.raises(RuntimeError, match="OVERVIEW_FILE"):
        open_raster(path)
    assert server.requests == []


def vectors(address: str) -> dict[str, str]:
    """Return vector files by their names, which lead to a server."""
    point = '"geometry":{"type":"Point","coordinates":[600100,4900000]}'
    feature = f'{{"type":"Feature","properties":{{"class":"land"}},{point}}}'
    link = f'{{"type":"link","properties":{{"href":"{address}/crs"}}}}'
    inner = point.replace('"Point"', f'"Point","crs":{link}')
    schema = f'xsi:schemaLocation="http://ogr.maptools.org/ {address}/a.xsd"'
    members = f'<gml:featureMember><ogr:a><ogr:g><gml:Point srsName="{address}/srs"><gml:coordinates>1,2'
    spaces = (
        'xmlns:ogr="http://ogr.maptools.org/" xmlns:gml="http://www.opengis.net/gml" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    )
    return {
        "link.geojson": f'{{"type":"FeatureCollection","crs":{link},"features":[{feature}]}}',
        "escaped.geojson": f'{{"type":"FeatureCollection","\\u0063rs":{link},"features":[{feature}]}}'.replace(
            '"link"', '"l\\u0069nk"'
        ),
        "url.geojson": f'{{"type":"FeatureCollection","CRS":{link},"features":[{feature}]}}'.replace(
            "link", "URL"
        ).replace("href", "url"),
        "comment.geojson": f'{{/* */"type":"FeatureCollection","crs":{link},"features":[{feature}]}}',
        "inner.geojson": f'{{"type":"Feature","properties":{{"class":"land"}},{inner}}}',
        "lines.geojsonl": f'{{"type":"Feature","properties":{{"class":"land"}},{inner}}}\n{feature}\n',
        "no_suffix": f'{{"type":"FeatureCollection","crs":{link},"features":[{feature}]}}',
        "wfs.xml": f"<OGRWFSDataSource><URL>{address}/wfs</URL></OGRWFSDataSource>",
        "wfs.gml": f"<OGRWFSDataSource><URL>{address}/wfs</URL></OGRWFSDataSource>",
        "capabilities.xml": f'<WFS_Capabilities xmlns:xlink="http://www.w3.org/1999/xlink"><x xlink:href="{address}"/>'
        "</WFS_Capabilities>",
        "csw.xml": f"<OGRCSWDataSource><URL>{address}/csw</URL></OGRCSWDataSource>",
        "virtual.vrt": f'<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>/vsicurl/{address}/a.geojson'
        "</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>",
        "virtual.gpkg": f'<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>WFS:{address}</SrcDataSource>'
        "</OGRVRTLayer></OGRVRTDataSource>",
        "schema.gml": f"<ogr:FeatureCollection {spaces} {schema}>{members}</gml:coordinates></gml:Point></ogr:g>"
        "</ogr:a></gml:featureMember></ogr:FeatureCollection>",
        "link.kml": f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document><NetworkLink><Link><href>{address}/n.kml'
        "</href></Link></NetworkLink></Document></kml>",
        "esri.json": f'{{"esri":"{address}","geometryType":"esriGeometryPoint","exceededTransferLimit":true,'
        f'"spatialReference":{{"wkt":"{address}"}},"features":[{{"attributes":{{"class":"land"}},"geometry":'
        '{"x":1,"y":2}}]}',
        "ogcapi.json": json.dumps({"links": [{"rel": "data", "href": f"{address}/collections"}]}),
        "tiles.mbtiles": f"WMTS:{address}",
    }


@pytest.mark.parametrize("name", list(vectors("")))
def test_no_samples_make_a_request(name: str, server: Server, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(vectors(server.address)[name])
    holds_samples(path)
    with pytest.raises(AlcdError) as caught:
        read_samples(path, LEGEND, GRID)
    assert caught.value.exit_code == 4
    assert "\n" not in str(caught.value)
    assert server.requests == []


def test_no_table_of_a_geopackage_leads_to_a_server(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "samples.gpkg"
    source = gdal.GetDriverByName("GPKG").Create(str(path), 0, 0, 0, gdal.GDT_Unknown)
    source.CreateLayer("samples", GRID.spatial_reference)
    del source
    table = f"CREATE VIRTUAL TABLE evil USING VirtualOGR('/vsicurl/{server.address}/a.geojson')"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA writable_schema = ON")
        database.execute("INSERT INTO sqlite_master VALUES ('table', 'evil', 'evil', 0, ?)", (table,))
        database.execute("INSERT INTO gpkg_contents (table_name, data_type) VALUES ('evil', 'attributes')")
        database.commit()
    with pytest.raises(AlcdError):
        read_samples(path, LEGEND, GRID)
    assert server.requests == []


@pytest.mark.parametrize(
    "name", ["/vsicurl/ADDRESS/a.tif", "/vsizip//vsicurl/ADDRESS/a.zip", "WCS:ADDRESS", 'NETCDF:"ADDRESS"']
)
def test_a_path_is_the_name_of_a_local_file(
    name: str, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refuses_everywhere(Path(name.replace("ADDRESS", server.address)), tmp_path)
    assert server.requests == []


def test_a_file_may_be_named_like_one_of_gdals_prefixes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_raster(tmp_path / "plain.tif", np.zeros((6, 4), np.uint8), 10)
    shutil.copy("plain.tif", "WCS:plain.tif")
    assert Grid.of(Path("WCS:plain.tif"), GIVEN_RASTERS) == Grid.of("plain.tif")


def test_the_command_line_refuses_a_band_without_a_request(
    finished: FinishedScene, server: Server, tmp_path: Path
) -> None:
    product = tmp_path / finished.synthetic.cloudy.name
    shutil.copytree(finished.synthetic.cloudy, product)
    band = next(product.glob("GRANULE/*/IMG_DATA/*_B02.jp2"))
    scene = write_scene(tmp_path / "scene.json", finished.synthetic, cloudy=product)
    for text in (described(server.address)["wcs"], described(server.address)["vrt"]):
        band.write_text(text)
        message = refused(3, "run", scene, "--dry-run")
        assert str(band) in message
        assert "not a JPEG 2000" in message
    assert server.requests == []


def test_the_process_of_the_command_line_cannot_ask_a_server(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "given.xml"
    path.write_text(described(server.address)["wcs"])
    script = (
        "import sys; from alcd_otb.cli.main import main; from osgeo import gdal\n"
        "main(['schema'])\n"
        "for name in sys.argv[1:]:\n"
        "    try: gdal.Open(name)\n"
        "    except RuntimeError: pass\n"
    )
    names = [str(path), f"/vsicurl/{server.address}/a.tif"]
    command = [sys.executable, "-c", script, *names]
    # Without HOME, GDAL keeps what it asked for in the folder that it is started in.
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={"no_proxy": "127.0.0.1"}, cwd=tmp_path)
    assert server.requests == []


def test_what_people_give_is_read(tmp_path: Path) -> None:
    heights = np.arange(64 * 64, dtype=np.float32).reshape(64, 64)
    tiles = [write_raster(tmp_path / f"{left}.tif", heights, 10, left=left) for left in (600000, 600640)]
    mosaic = gdal.BuildVRT(str(tmp_path / "mosaic.vrt"), [str(tile) for tile in tiles])
    del mosaic
    outer = gdal.BuildVRT(str(tmp_path / "outer.vrt"), [str(tmp_path / "mosaic.vrt")])
    del outer
    gdal.Warp(str(tmp_path / "warped.vrt"), str(tmp_path / "outer.vrt"), format="VRT", dstSRS="EPSG:32631")
    for name in ("mosaic.vrt", "outer.vrt", "warped.vrt"):
        read = open_raster(tmp_path / name, GIVEN_RASTERS).ReadAsArray()
        assert np.array_equal(read, np.hstack([heights, heights]))
    for suffix, format_name in ((".img", "HFA"), (".bin", "ENVI"), (".asc", "AAIGrid"), (".nc", "netCDF")):
        gdal.Translate(str(tmp_path / f"copy{suffix}"), str(tiles[0]), format=format_name)
        assert np.array_equal(open_raster(tmp_path / f"copy{suffix}", GIVEN_RASTERS).ReadAsArray(), heights)
    image = gdal.OpenEx(str(tiles[0]))
    image.BuildOverviews("NEAREST", [2])
    del image
    assert Path(f"{tiles[0]}.ovr").exists()
    opened = open_raster(tiles[0], GIVEN_RASTERS)
    assert opened.GetRasterBand(1).GetOverviewCount() == 1


@pytest.mark.parametrize(
    ("name", "format_name"),
    [
        ("a.gpkg", "GPKG"),
        ("a.shp", "ESRI Shapefile"),
        ("a.geojson", "GeoJSON"),
        ("a.geojsonl", "GeoJSONSeq"),
        ("a.fgb", "FlatGeobuf"),
        ("a.kml", "LIBKML"),
        ("a.gml", "GML"),
        ("a.csv", "CSV"),
        ("a.tab", "MapInfo File"),
        ("a.sqlite", "SQLite"),
        ("a.ods", "ODS"),
    ],
)
def test_samples_of_each_format_are_read(name: str, format_name: str, tmp_path: Path) -> None:
    points = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"class": kind},
                "geometry": {"type": "Point", "coordinates": [4.2502 + 0.001 * number, 44.2498]},
            }
            for number, kind in enumerate(("land", "water"))
        ],
    }
    options = {"layerCreationOptions": ["GEOMETRY=AS_XY"]} if format_name == "CSV" else {}
    (tmp_path / "given").mkdir()
    gdal.VectorTranslate(str(tmp_path / "given" / name), json.dumps(points), format=format_name, **options)
    with open_features(tmp_path / "given" / name) as features:
        # FlatGeobuf has them in an order of its own.
        assert sorted(feature.properties["class"] for feature in features) == ["land", "water"]


def calls(file: Path) -> Iterator[tuple[str, ast.Call]]:
    """Yield the calls of functions of modules in a file, such as gdal.Open."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
        ):
            yield f"{node.func.value.id}.{node.func.attr}", node


def is_text(argument: ast.expr) -> bool:
    """Whether an argument is made by str()."""
    return isinstance(argument, ast.Call) and isinstance(argument.func, ast.Name) and argument.func.id == "str"


def test_files_are_opened_in_one_place() -> None:
    found: dict[str, set[str]] = {}
    names = {f"{module}.{function}" for module, functions in OPENING.items() for function in functions}
    for package in ("alcd_otb", "otb_pipelines"):
        for file in (ROOT / package).rglob("*.py"):
            for name, call in calls(file):
                if name in names:
                    found.setdefault(str(file.relative_to(ROOT)), set()).add(name)
                if name == "gdal.OpenEx":
                    assert "allowed_drivers" in {keyword.arg for keyword in call.keywords}, file
                # The second argument is what they read: a name would be opened by any driver.
                if name.removeprefix("gdal.") in SOURCES:
                    assert not is_text(call.args[1]), file
    assert found == ALLOWED


def test_native_code_names_its_drivers() -> None:
    for file in (ROOT / "otb_pipelines" / "native").rglob("*.cpp"):
        text = file.read_text("utf-8")
        assert "GDALOpen(" not in text, file
        assert text.count("GDALOpenEx(") == text.count("drivers.data()"), file
