#!/usr/bin/env python3
"""Makes src/analyze/render/html/coastlines.txt, the land of the world map in HTML reports.

    npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz
    python3 make.py package/land-110m.json > ../../src/analyze/render/html/coastlines.txt

The shapes are those of Natural Earth (public domain) at 1:110 million, as the package world-atlas (ISC licence) has
them. Each line of the result is a path of SVG in a map of 720 by 360 units (two a degree, north up, the left edge at
180 degrees west), with relative coordinates. Antarctica is left out: nobody signs in from it.
"""

import json
import sys

topology = json.load(open(sys.argv[1]))
scale, translate = topology["transform"]["scale"], topology["transform"]["translate"]

arcs = []
for arc in topology["arcs"]:
    x = y = 0
    points = []
    for dx, dy in arc:
        x, y = x + dx, y + dy
        points.append((x * scale[0] + translate[0], y * scale[1] + translate[1]))
    arcs.append(points)


def ring(numbers):
    """The points of a ring of arcs; one that crosses 180 degrees goes on beyond the edge of the map."""
    points = []
    for number in numbers:
        arc = arcs[number] if number >= 0 else arcs[~number][::-1]
        points += arc if not points else arc[1:]
    unwrapped, shift = [points[0]], 0
    for (before, _), (lon, lat) in zip(points, points[1:]):
        shift += 360 if lon - before < -180 else -360 if lon - before > 180 else 0
        unwrapped.append((lon + shift, lat))
    return unwrapped


def emit(points):
    units = [(round((lon + 180) * 2), round((90 - lat) * 2)) for lon, lat in points]
    kept = [units[0]]
    for unit in units[1:]:
        if unit != kept[-1]:
            kept.append(unit)
    if len(kept) < 4:
        return
    steps = [f"{x1 - x0} {y1 - y0}" for (x0, y0), (x1, y1) in zip(kept, kept[1:-1])]
    print(f"M{kept[0][0]} {kept[0][1]}l" + " ".join(steps).replace(" -", "-") + "z")


print(
    "Land: Natural Earth, 1:110 million, public domain, from npm's world-atlas 2.0.2 (ISC);"
    " made by contrib/coastlines/make.py"
)
for geometry in topology["objects"]["land"]["geometries"]:
    polygons = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
    for polygon in polygons:
        for numbers in polygon:
            points = ring(numbers)
            if max(lat for _, lat in points) < -60:
                continue
            emit(points)
            if min(lon for lon, _ in points) < -180:
                emit([(lon + 360, lat) for lon, lat in points])
            elif max(lon for lon, _ in points) > 180:
                emit([(lon - 360, lat) for lon, lat in points])
