"""Cloud masks of polygons (GML) that ask for memory, files or servers: refused, or read without them."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
from mask_files import clouds_gml, write_l1c
from sentinel2_files import one_line_error

from alcd_otb.masks.l1c_masks import read_cloud_mask

SQUARE = (600000.0, 4899420.0, 600600.0, 4900020.0)


@pytest.fixture
def requests() -> Iterator[tuple[str, list[str]]]:
    """The address of a server, and the paths that it is asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def granule_with(tmp_path: Path, text: str) -> Path:
    (granule,) = (write_l1c(tmp_path, polygons={"OPAQUE": [SQUARE]}) / "GRANULE").iterdir()
    (granule / "QI_DATA" / "MSK_CLOUDS_B00.gml").write_text(text, "utf-8")
    return granule


def cloudy_pixels(granule: Path) -> int:
    return int(np.count_nonzero(read_cloud_mask(granule).layers[0].open().ReadAsArray()))


def test_entities_are_refused(tmp_path: Path) -> None:
    text = clouds_gml({"OPAQUE": [SQUARE]})
    entities = "".join(f'<!ENTITY {key} "{f"&{before};" * 10}">' for before, key in ("ab", "bc", "cd"))
    text = text.replace("<eop:Mask ", f'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">{entities}]><eop:Mask ', 1)
    message = one_line_error(lambda: cloudy_pixels(granule_with(tmp_path, text.replace('gml:id="', 'gml:id="&d;', 1))))
    assert "MSK_CLOUDS_B00.gml: declares a DTD" in message


def test_no_server_is_asked_and_no_schema_is_read(tmp_path: Path, requests: tuple[str, list[str]]) -> None:
    address, asked = requests
    links = (
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'xsi:schemaLocation="http://www.opengis.net/eop/2.0 {address}/mask.xsd" xlink:href="{address}/link.gml" '
    )
    text = clouds_gml({"OPAQUE": [SQUARE]}).replace("<eop:Mask ", f"<eop:Mask {links}", 1)
    text = text.replace("<gml:Polygon ", f'<gml:Polygon srsName="{address}/crs" ')
    granule = granule_with(tmp_path, text)
    # GDAL would take this schema for the mask's own, in which there is no maskType.
    (granule / "QI_DATA" / "MSK_CLOUDS_B00.xsd").write_text('<schema xmlns="http://www.w3.org/2001/XMLSchema"/>')
    assert cloudy_pixels(granule) == 100
    assert asked == []


@pytest.mark.parametrize("text", ["", "<a/>", "<Mask", "\0", "<Mask>&x;</Mask>"])
def test_what_is_no_mask_is_refused(tmp_path: Path, text: str) -> None:
    assert "MSK_CLOUDS_B00.gml" in one_line_error(lambda: cloudy_pixels(granule_with(tmp_path, text)))
