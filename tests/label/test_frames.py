"""What the page draws is packed so that it comes out as it was, also from changes alone."""

import json
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from alcd_otb.label.frames import STEPS, SentMaps, frame, in_steps
from alcd_otb.raster.grid import Window

WINDOW = Window(3, 4, 5, 6)


@given(st.lists(arrays(np.uint8, (5, 6)), min_size=1, max_size=6))
def test_a_map_comes_out_of_the_changes_as_it_was(maps: list[np.ndarray]) -> None:
    sent, number, held = SentMaps(), None, np.zeros(30, np.uint8)
    for labels in maps:
        described, body = sent.packed(WINDOW, {"labels": labels}, number)
        content = np.frombuffer(zlib.decompress(body), np.uint8)
        assert described["base"] == number
        held = content if number is None else held ^ content
        assert np.array_equal(held.reshape(5, 6), labels)
        number = described["number"]


def test_a_part_that_the_server_does_not_know_any_more_is_sent_whole() -> None:
    sent, labels = SentMaps(), np.full((5, 6), 7, np.uint8)
    first, _ = sent.packed(WINDOW, {"labels": labels}, None)
    for have, window, planes in (
        (99, WINDOW, {"labels": labels}),
        (first["number"], Window(0, 0, 5, 6), {"labels": labels}),
        (first["number"], WINDOW, {"labels": labels, "margin": labels}),
    ):
        described, body = sent.packed(window, planes, have)
        assert described["base"] is None
        assert set(zlib.decompress(body)) == {7}
    for _ in range(20):
        sent.packed(WINDOW, {"labels": labels}, None)
    assert sent.packed(WINDOW, {"labels": labels}, first["number"])[0]["base"] is None


def test_a_frame_is_the_length_of_the_header_the_header_and_the_body() -> None:
    packed = frame({"a": "é"}, b"body")
    length = int.from_bytes(packed[:4], "little")
    assert json.loads(packed[4 : 4 + length]) == {"a": "é"}
    assert packed[4 + length :] == b"body"


@pytest.mark.parametrize(("value", "step"), [(0.0, 0), (1.0, STEPS), (0.5, 125), (np.nan, 0), (0.9999, 250)])
def test_confidence_is_sent_in_steps(value: float, step: int) -> None:
    assert in_steps(np.array([value], np.float32))[0] == step
