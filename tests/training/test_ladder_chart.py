"""The picture of the ladder: where the points are, and that it can be read."""

from __future__ import annotations

import itertools
import re
from xml.etree import ElementTree as ET

import pytest

from edge_agent.training.ladder.chart import Mark, Point, chart

pytestmark = pytest.mark.train
SVG = "{http://www.w3.org/2000/svg}"
POINTS = (
    Point("trees", 0.1, 5.0, 0.93, ours=False),
    Point("float", 3.0, 8.0, 0.902),
    Point("pruned", 2.9, 6.0, 0.901),
    Point("int8 <&>", 1.5, 2.0, 0.900),
)


def drawn(points: tuple[Point, ...] = POINTS, marks: tuple[Mark, ...] = ()) -> ET.Element:
    return ET.fromstring(chart("A ladder", "PR-AUC", points, marks))  # noqa: S314 - our own text


def circles(picture: ET.Element) -> dict[tuple[float, float], float]:
    found = [{key: float(one.get(key, "")) for key in ("cx", "cy", "r")} for one in picture.iter(f"{SVG}circle")]
    return {(one["cx"], one["cy"]): one["r"] for one in found}


def test_better_is_higher_slower_is_further_right_and_larger_has_more_area() -> None:
    found = circles(drawn((Point("a", 1.0, 2.0, 0.8), Point("b", 10.0, 8.0, 0.9))))

    (ax, ay), (bx, by) = sorted(found)
    assert ax < bx
    assert ay > by
    assert found[bx, by] == pytest.approx(2 * found[ax, ay], rel=0.01)  # four times the size, four times the area


def test_labels_of_points_close_together_do_not_overlap_and_stay_inside() -> None:
    close = tuple(Point(f"stage {k}", 2.0, 3.0, 0.8 + k * 1e-5) for k in range(5))
    picture = drawn((*close, Point("stage far above", 2.0, 3.0, 0.9)))
    lines = [text for text in picture.iter(f"{SVG}text") if (text.text or "").startswith("stage")]
    heights = sorted(float(line.get("y", "")) for line in lines)

    assert len(heights) == 6
    assert all(below - above >= 30 for above, below in itertools.pairwise(heights))
    assert heights[-1] + 14 < float(picture.get("height", ""))


def test_names_cannot_break_out_of_the_picture() -> None:
    assert any(text.text == "int8 <&>" for text in drawn().iter(f"{SVG}text"))


def test_a_time_without_quality_is_a_line_at_its_place() -> None:
    picture = drawn(marks=(Mark("yardstick", 25.0),))
    upright = [line for line in picture.iter(f"{SVG}line") if line.get("stroke-dasharray")]

    assert len(upright) == 1
    assert float(upright[0].get("x1", "")) > max(x for x, _ in circles(picture))


def test_every_colour_has_one_for_dark_pages() -> None:
    style = chart("A ladder", "PR-AUC", POINTS)
    light, dark = style.split("@media (prefers-color-scheme: dark)")

    assert re.findall(r"--[a-z]+(?=: #)", light) == re.findall(r"--[a-z]+(?=: #)", dark)


def test_one_point_alone_can_be_drawn() -> None:
    assert len(circles(drawn((Point("only", 1.0, 1.0, 0.5),)))) == 1
