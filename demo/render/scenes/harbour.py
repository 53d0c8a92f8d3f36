"""A fishing harbour: a stone quay, coloured houses, a crane, boats coming and going.

The quay runs along x at y < 0, the town lies at x < -55, the breakwater with the lighthouse at
y ≈ 120. Take "dusk" has the low sun over the water, take "noon" other boats under a high sun.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import textures as tx
from cast import Wardrobe, flock
from shots import Key, Shot
from stage import Light, Point, Route, Solid, Stage, hills, wobble
from textures import Color

DUSK = Light(
    sun_azimuth=0.95,
    sun_elevation=0.23,
    sun_color=(1.0, 0.60, 0.30),
    sun_power=6.5,
    sky=tx.sky(
        sun_azimuth=0.95,
        sun_elevation=0.20,
        zenith=(0.07, 0.16, 0.42),
        horizon=(0.95, 0.40, 0.13),
        glow=(2.4, 1.0, 0.25),
        cloud=0.55,
        cloud_light=(1.7, 0.60, 0.22),
        cloud_dark=(0.12, 0.11, 0.22),
        seed=11,
    ),
    sky_power=1.0,
    haze_color=(0.52, 0.27, 0.16),
    haze_distance=1500,
    exposure=0.35,
)
NOON = Light(
    sun_azimuth=-0.75,
    sun_elevation=0.85,
    sun_color=(1.0, 0.95, 0.86),
    sun_power=5.5,
    sky=tx.sky(
        sun_azimuth=-0.75,
        sun_elevation=0.85,
        zenith=(0.08, 0.26, 0.70),
        horizon=(0.55, 0.70, 0.88),
        glow=(0.3, 0.3, 0.3),
        cloud=0.45,
        cloud_light=(1.3, 1.3, 1.32),
        cloud_dark=(0.45, 0.50, 0.60),
        seed=23,
    ),
    sky_power=0.9,
    haze_color=(0.55, 0.66, 0.80),
    haze_distance=1500,
    exposure=0.3,
)

# From, to, and metres per second.
Walk = tuple[tuple[float, float], tuple[float, float], float]


class Harbour:
    def __init__(self, take: str) -> None:
        self.dusk = take == "dusk"
        self.stage = Stage(DUSK if self.dusk else NOON)
        stage = self.stage
        self.stone = stage.material(
            "quay", tx.cobbles((0.26, 0.23, 0.20), (0.58, 0.53, 0.47), 3), 4.0
        )
        self.wall = stage.material(
            "quay wall", tx.brick((0.24, 0.24, 0.22), (0.50, 0.48, 0.42), 5, 8, 4), 4.0
        )
        self.wood = stage.material(
            "wood", tx.planks((0.20, 0.13, 0.08), (0.52, 0.38, 0.25), 7), 2.0, follow=True
        )
        self.steel = stage.material(
            "steel", tx.sheet((0.72, 0.55, 0.16), 9, rust=0.5), 5.0, follow=True, rough=0.5
        )
        self.dark = stage.plain("dark", (0.08, 0.08, 0.09))
        self.white = stage.material(
            "white", tx.sheet((0.86, 0.85, 0.80), 12, rust=0.32), 4.0, follow=True, rough=0.5
        )
        self.lamp = stage.plain("lamp", (1.0, 0.78, 0.45), glow=9.0 if self.dusk else 0.3)
        self.water()
        self.land()
        self.town()
        self.crane()
        self.moored()
        self.clutter()
        self.traffic()

    def water(self) -> None:
        ripples = np.zeros((512, 512, 4), dtype=np.float32)
        ripples[..., 3] = tx.noise(2.0, 31)
        sea = self.stage.water("water", (0.08, 0.27, 0.31), ripples, 36.0, (0.9, 0.5, 0.0))
        self.stage.ground("sea", sea, 1600, 4, lambda x, y: 0 * x, (0, 700))

    def land(self) -> None:
        stage = self.stage
        solid = Solid()
        solid.box(self.stone, (420, 60, 3.4), (60, -30, -2.0))
        solid.box(self.wall, (420, 0.8, 3.5), (60, -0.2, -1.9))
        solid.box(self.stone, (60, 220, 3.4), (-85, 108, -2.0))
        solid.box(self.wall, (0.8, 220, 3.5), (-55.2, 108, -1.9))
        stage.place(solid, "quay")
        rock = stage.material("rock", tx.rock((0.20, 0.19, 0.18), (0.52, 0.49, 0.44), 15), 9.0)
        pier = Solid()
        for k in range(60):
            pier.ball(
                rock,
                (4.2, 3.6, 3.0),
                (-10 + k * 2.6, 122 + 5 * math.sin(k), -0.3),
                rough=0.5,
                seed=k,
                sides=10,
            )
        stage.place(pier, "breakwater")
        tower = Solid()
        red = stage.material("red", tx.sheet((0.72, 0.14, 0.10), 19, rust=0.3), 5.0, rough=0.6)
        for k, paint in enumerate((self.white, red, self.white, red, self.white)):
            r0, r1 = 3.2 - k * 0.28, 3.2 - (k + 1) * 0.28
            tower.lathe(paint, [(r0, 3.4 * k), (r1, 3.4 * k + 3.4)], (118, 122, 2), 20)
        tower.lathe(self.dark, [(0, 17), (2.6, 17), (2.6, 17.4), (0, 17.4)], (118, 122, 2))
        tower.lathe(self.lamp, [(1.1, 17.4), (1.1, 19.4)], (118, 122, 2))
        tower.lathe(red, [(1.9, 19.4), (0.0, 21.4)], (118, 122, 2))
        stage.place(tower, "lighthouse")
        shore = stage.material(
            "shore", tx.foliage((0.10, 0.14, 0.06), (0.34, 0.36, 0.17), 27), 30.0, bump=0.6
        )
        relief = hills(150, 16, 4)

        def far(x: tx.Array, y: tx.Array) -> tx.Array:
            rise = (
                np.clip((y - 330) / 260, 0, 1)
                + np.clip((-x - 190) / 200, 0, 1)
                + np.clip((x - 330) / 250, 0, 1)
            )
            return np.asarray(rise * (34 + relief(x, y)) - 3, dtype=np.float32)

        stage.ground("hills", shore, (1500, 900), 90, far, (0, 380))

    def house(
        self, solid: Solid, at: Point, size: Point, wall: Any, roof: Any, turn: float
    ) -> None:
        w, d, h = size
        solid.box(wall, (w, d, h), at, turn=turn)
        solid.box(self.white, (w + 0.5, d + 0.5, 0.3), (at[0], at[1], at[2] + h), turn=turn)
        c, s = math.cos(turn), math.sin(turn)
        rise = d * 0.42
        corners = [
            (-w / 2 - 0.4, -d / 2 - 0.5, h + 0.3),
            (w / 2 + 0.4, -d / 2 - 0.5, h + 0.3),
            (w / 2 + 0.4, d / 2 + 0.5, h + 0.3),
            (-w / 2 - 0.4, d / 2 + 0.5, h + 0.3),
            (-w / 2 - 0.4, 0, h + rise),
            (w / 2 + 0.4, 0, h + rise),
        ]
        verts = [(at[0] + x * c - y * s, at[1] + x * s + y * c, at[2] + z) for x, y, z in corners]
        solid.add(verts, [(0, 1, 5, 4), (2, 3, 4, 5)], roof)
        solid.add(verts, [(1, 2, 5), (3, 0, 4)], wall)
        solid.box(
            self.wall,
            (0.9, 0.9, 2.2),
            (at[0] + w * 0.25 * c, at[1] + w * 0.25 * s, at[2] + h + rise * 0.5),
        )

    def town(self) -> None:
        stage, rng = self.stage, np.random.default_rng(5)
        paints: list[Color] = [
            (0.75, 0.35, 0.25),
            (0.85, 0.70, 0.38),
            (0.45, 0.58, 0.66),
            (0.80, 0.76, 0.66),
            (0.50, 0.62, 0.45),
            (0.72, 0.48, 0.46),
        ]
        lit = 0.55 if self.dusk else 0.0
        walls = []
        for index, paint in enumerate(paints):
            base = tx.mottled(tx.shade(paint, 0.72), paint, 60 + index, beta=1.6)
            image, light = tx.facade(base, 70 + index, lit=lit)
            walls.append(
                stage.material(
                    f"house {index}",
                    image,
                    12.0,
                    glass=light,
                    glow=2.2 if self.dusk else 0.0,
                    patchy=0.12,
                )
            )
        roofs = [
            stage.material(f"roof {k}", tx.shingles(*pair, 80 + k), 5.0)
            for k, pair in enumerate(
                (((0.35, 0.14, 0.09), (0.62, 0.32, 0.22)), ((0.16, 0.17, 0.20), (0.36, 0.37, 0.40)))
            )
        ]
        solid = Solid()
        self._rows_of_houses(solid, walls, roofs, rng)
        solid.box(walls[3], (7, 7, 27), (-95, 70, 4))
        solid.lathe(roofs[1], [(5.6, 0), (0.2, 13)], (-95, 70, 31), 4)
        stage.place(solid, "town")

    def _rows_of_houses(
        self, solid: Solid, walls: Sequence[Any], roofs: Sequence[Any], rng: np.random.Generator
    ) -> None:
        x = -50.0
        while x < 200:  # the row behind the quay
            w = float(rng.uniform(9, 14))
            self.house(
                solid,
                (x + w / 2, -30 - rng.uniform(0, 2), 1.4),
                (w, 12, float(rng.choice([6, 9, 9, 12]))),
                walls[rng.integers(6)],
                roofs[rng.integers(2)],
                0.0,
            )
            x += w + 0.4
        y = -2.0
        while y < 205:  # the town across the basin
            w = float(rng.uniform(9, 14))
            for row in range(3):
                height = float(rng.choice([9, 9, 12, 15]))
                self.house(
                    solid,
                    (-68 - 15 * row, y + w / 2, 1.4 + 3 * row),
                    (w, 11, height),
                    walls[rng.integers(6)],
                    roofs[rng.integers(2)],
                    math.pi / 2,
                )
            y += w + 0.3

    def crane(self) -> None:
        stage = self.stage
        base = Solid()
        for x in (-3.0, 3.0):
            for y in (-3.0, 3.0):
                base.tube(self.steel, (x, y, 0), (x * 0.5, y * 0.5, 11), 0.35)
        for z in (3.5, 7):
            k = 3 - 1.5 * z / 11
            for a, b in (
                ((-k, -k), (k, -k)),
                ((k, -k), (k, k)),
                ((k, k), (-k, k)),
                ((-k, k), (-k, -k)),
            ):
                base.tube(self.steel, (*a, z), (*b, z), 0.18)
                base.tube(self.steel, (*a, z), (b[0] * 0.8, b[1] * 0.8, z + 3.4), 0.12)
        base.box(self.steel, (4, 4, 0.6), (0, 0, 11))
        stage.place(base, "crane foot", (34, -7, 1.4))
        head = Solid()
        head.box(self.white, (3.2, 2.6, 2.6), (0, 0, 0))
        head.box(self.dark, (0.2, 1.8, 1.2), (1.6, 0, 1.0))
        head.box(self.steel, (4, 2, 1.6), (-4, 0, 0.2))
        for side in (-0.7, 0.7):
            head.tube(self.steel, (-4, side, 1.8), (20, side * 0.5, 8), 0.16)
            head.tube(self.steel, (0, side, 5.6), (20, side * 0.5, 8), 0.10)
            head.tube(self.steel, (0, side, 2.4), (0, side, 5.6), 0.14)
        for k in range(12):
            x = -2 + k * 1.85
            head.tube(self.steel, (x, -0.6, 2.3 + k * 0.47), (x + 1.8, 0.6, 2.8 + k * 0.47), 0.08)
        top = stage.place(head, "crane head", (34, -7, 13))
        box = Solid()
        cargo = stage.material(
            "cargo", tx.sheet((0.15, 0.32, 0.50), 44, ribs=16, rust=0.3), 3.0, follow=True
        )
        box.box(cargo, (6, 2.4, 2.5), (0, 0, -1.2))
        for x in (-2.6, 2.6):
            box.tube(self.dark, (x, 0, 1.3), (0, 0, 5), 0.05)
        box.tube(self.dark, (0, 0, 5), (0, 0, 22), 0.05)
        load = stage.place(box, "load")

        def swing(t: float) -> None:
            angle = 0.9 + 0.9 * math.sin(t * 0.16 + (0 if self.dusk else 2.1))
            top.rotation_euler = (0, 0, angle)
            sway = wobble(t, 3, 0.25)
            load.location = (
                34 + 19.8 * math.cos(angle) + sway,
                -7 + 19.8 * math.sin(angle),
                7 + 3 * math.sin(t * 0.21),
            )
            load.rotation_euler = (0, sway * 0.1, angle + 1.2)

        stage.every_frame(swing)

    def boat(self, color: Color, *, length: float = 12.0, sail: bool = False) -> Any:
        stage = self.stage
        name = f"hull {color} {length}"
        hull = stage.material(
            name,
            tx.sheet(color, int(length * 10 + color[0] * 97), rust=0.35),
            4.0,
            follow=True,
            rough=0.45,
        )
        k = length / 12
        solid = Solid()
        self._hull(solid, hull, k)
        if sail:
            self._rigging(solid, k)
        else:
            self._wheelhouse(solid, hull, k)
        return stage.place(solid, "boat")

    def _hull(self, solid: Solid, hull: Any, k: float) -> None:
        sections = [
            (-6, 1.7, 1.3),
            (-3, 2.0, 1.2),
            (0, 2.1, 1.3),
            (3, 1.7, 1.6),
            (5, 0.8, 2.1),
            (6.4, 0.05, 2.6),
        ]
        verts: list[Point] = []
        for x, half, top in sections:
            verts += [
                (x * k, -half * k, top * k),
                (x * 0.95 * k, -half * 0.6 * k, -0.6),
                (x * 0.95 * k, half * 0.6 * k, -0.6),
                (x * k, half * k, top * k),
            ]
        faces: list[tuple[int, ...]] = []
        for row in range(len(sections) - 1):
            a, b = row * 4, row * 4 + 4
            faces += [
                (a, a + 1, b + 1, b),
                (a + 2, a + 3, b + 3, b + 2),
                (a + 1, a + 2, b + 2, b + 1),
            ]
        solid.add(verts, [*faces, (3, 2, 1, 0)], hull)
        deck = [(v[0], v[1] * 0.96, v[2] - 0.25) for v in verts]
        solid.add(
            deck,
            [(r * 4, r * 4 + 4, r * 4 + 7, r * 4 + 3) for r in range(len(sections) - 1)],
            self.wood,
        )
        for side in (0, 3):
            for row in range(len(sections) - 1):
                aft, fore = verts[row * 4 + side], verts[row * 4 + 4 + side]
                solid.tube(self.white, aft, fore, 0.09 * k, sides=6)

    def _wheelhouse(self, solid: Solid, hull: Any, k: float) -> None:
        solid.box(self.white, (3.4 * k, 2.3 * k, 2.2 * k), (-2.2 * k, 0, 1.0 * k), taper=0.9)
        solid.box(hull, (3.9 * k, 2.6 * k, 0.22), (-2.1 * k, 0, 3.2 * k))
        solid.box(self.dark, (3.2 * k, 2.26 * k, 0.6 * k), (-2.2 * k, 0, 2.3 * k))
        solid.tube(self.wood, (-2.4 * k, 0, 3 * k), (-2.6 * k, 0, 8 * k), 0.09)
        solid.tube(self.wood, (2.2 * k, 0, 1), (2.2 * k, 0, 6.4 * k), 0.10)
        solid.tube(self.wood, (2.2 * k, 0, 2.4 * k), (-0.6 * k, 0.5, 5.6 * k), 0.07)
        solid.tube(self.dark, (2.2 * k, 0, 6.3 * k), (6.2 * k, 0, 2.7 * k), 0.03, sides=4)
        solid.tube(self.dark, (2.2 * k, 0, 6.3 * k), (-2.6 * k, 0, 7.9 * k), 0.03, sides=4)
        solid.ball(self.lamp, 0.22, (-2.6 * k, 0, 8.1 * k), sides=8)
        for j in range(5):
            net = (self.wood, self.steel, self.white)[j % 3]
            solid.box(
                net,
                (0.9, 0.9, 0.6),
                ((0.2 + j * 0.75) * k, (j % 2 - 0.5) * 1.4 * k, 1.1 * k),
                turn=j,
            )

    def _rigging(self, solid: Solid, k: float) -> None:
        stage = self.stage
        cloth = stage.material(
            "sail",
            tx.stripes(((0.93, 0.90, 0.82), (0.90, 0.87, 0.80)), 6, 50),
            6.0,
            follow=True,
        )
        solid.tube(self.wood, (1 * k, 0, 1), (1 * k, 0, 16 * k), 0.12)
        solid.tube(self.wood, (1 * k, 0, 2.6 * k), (-5.4 * k, 0.8, 2.7 * k), 0.09)
        solid.add(
            [
                (0.8 * k, 0, 2.9 * k),
                (-5.2 * k, 0.8, 3 * k),
                (-2.6 * k, 1.2, 8 * k),
                (0.8 * k, 0, 15.5 * k),
            ],
            [(0, 1, 2, 3)],
            cloth,
        )
        solid.add(
            [(1.3 * k, 0, 13.5 * k), (6.2 * k, 0, 2.8 * k), (1.6 * k, 1.1, 3.2 * k)],
            [(0, 1, 2)],
            cloth,
        )
        solid.box(self.wood, (3 * k, 1.8 * k, 0.7), (-0.5, 0, 1.2 * k))

    def float_at(self, boat: Any, at: Point, turn: float) -> None:
        seed = at[0] * 0.7 + at[1]

        def bob(t: float) -> None:
            boat.location = (at[0], at[1], at[2] + wobble(t, seed, 0.14, 0.9))
            boat.rotation_euler = (
                wobble(t, seed + 1, 0.07),
                wobble(t, seed + 2, 0.03),
                turn + wobble(t, seed, 0.02, 0.5),
            )

        self.stage.every_frame(bob)

    def sail_along(self, boat: Any, route: Route, pace: float, start: float) -> None:
        foam = self.stage.plain("foam", (0.85, 0.85, 0.83), rough=0.9)
        wake = Solid()
        for k in range(26):
            x, spread = -5.5 - k * 0.9, 0.5 + k * 0.16
            for side in (-1, 1):
                wake.ball(
                    foam,
                    (0.55 - k * 0.012, 0.14, 0.03),
                    (x, side * spread * (1 + 0.1 * math.sin(k * 2.1)), 0.03),
                    sides=6,
                )
        trail = self.stage.place(wake, "wake")

        def go(t: float) -> None:
            at, heading = route.at(start + pace * t)
            boat.location = (at[0], at[1], wobble(t, 1, 0.16))
            boat.rotation_euler = (wobble(t, 2, 0.08), wobble(t, 4, 0.04) - 0.02, heading)
            trail.location, trail.rotation_euler = (at[0], at[1], 0.0), (0, 0, heading)

        self.stage.every_frame(go)

    def moored(self) -> None:
        paints: list[Color] = [
            (0.16, 0.34, 0.52),
            (0.62, 0.16, 0.12),
            (0.20, 0.42, 0.32),
            (0.82, 0.80, 0.72),
            (0.80, 0.52, 0.14),
        ]
        places = [
            (-40, 4.2, 0.1),
            (-22, 4.0, 3.0),
            (-6, 4.4, 0.05),
            (60, 4.5, 3.1),
            (84, 4.3, 0.0),
            (-49.5, 26, 1.6),
            (-49.8, 48, 1.5),
            (-49.4, 74, 4.7),
            (-49.7, 98, 1.6),
            (-30, 96, 0.7),
        ]
        for index, (x, y, turn) in enumerate(places):
            if not self.dusk:
                x, turn = x + (7 if index < 5 else 0), turn + (math.pi if index % 2 else 0)
                y += 0 if index < 5 else 9
            color = paints[(index + (0 if self.dusk else 2)) % 5]
            sail = index in (3, 8)
            self.float_at(
                self.boat(color, length=9.0 + (index * 7 % 5), sail=sail), (x, y, 0), turn
            )

    def clutter(self) -> None:
        stage, rng = self.stage, np.random.default_rng(8 if self.dusk else 9)
        solid = Solid()
        for x in map(float, range(-48, 150, 8)):
            solid.lathe(
                self.dark,
                [(0.34, 0), (0.24, 0.25), (0.22, 0.5), (0.36, 0.62), (0.0, 0.7)],
                (x, -1.2, 1.4),
                10,
            )
        for x in map(float, range(-44, 150, 22)):
            solid.tube(self.dark, (x, -9, 1.4), (x, -9, 6.4), 0.09)
            solid.tube(self.dark, (x, -9, 6.3), (x, -7.6, 6.5), 0.06)
            solid.lathe(
                self.lamp, [(0.0, 0.35), (0.22, 0.2), (0.28, 0), (0, -0.05)], (x, -7.5, 6.2), 8
            )
        crates = [
            stage.material(f"crate {k}", tx.planks(tx.shade(c, 0.55), c, 90 + k, rows=6), 1.2)
            for k, c in enumerate(((0.62, 0.46, 0.28), (0.30, 0.44, 0.52), (0.60, 0.25, 0.18)))
        ]
        for _ in range(46):
            x, y = rng.uniform(-46, 100), rng.uniform(-13, -3.5)
            for level in range(int(rng.integers(1, 4))):
                solid.box(
                    crates[rng.integers(3)],
                    (1.1, 0.9, 0.72),
                    (x + rng.uniform(-0.1, 0.1), y, 1.4 + level * 0.74),
                    turn=float(rng.uniform(-0.3, 0.3)),
                )
        net = stage.material(
            "net", tx.foliage((0.10, 0.20, 0.22), (0.28, 0.50, 0.48), 33), 1.0, bump=1.0
        )
        for _ in range(9):
            solid.ball(
                net,
                (1.5, 1.1, 0.55),
                (rng.uniform(-40, 80), rng.uniform(-12, -4), 1.5),
                rough=0.6,
                seed=int(rng.integers(99)),
            )
        red = stage.plain("barrel", (0.6, 0.12, 0.08), rough=0.4)
        for _ in range(14):
            solid.lathe(
                red,
                [(0, 0), (0.3, 0), (0.33, 0.45), (0.3, 0.9), (0, 0.9)],
                (rng.uniform(-45, 90), rng.uniform(-12, -3), 1.4),
                12,
            )
        stage.place(solid, "clutter")
        if self.dusk:
            for x in (-44, -22, 0, 22, 44, 66):
                stage.lamp((x, -7.5, 5.9), 260, (1.0, 0.7, 0.4))

    def traffic(self) -> None:
        stage = self.stage
        people = Wardrobe(stage, 4 if self.dusk else 14)
        if self.dusk:
            hero = self.boat((0.78, 0.22, 0.14), length=13)
            self.sail_along(
                hero,
                Route(
                    [(85, 82, 0), (55, 50, 0), (28, 28, 0), (2, 17, 0), (-30, 20, 0), (-44, 55, 0)]
                ),
                3.4,
                47,
            )
            second = self.boat((0.18, 0.38, 0.50), length=10, sail=True)
            self.sail_along(
                second, Route([(-35, 75, 0), (10, 68, 0), (60, 78, 0), (140, 90, 0)]), 2.2, 2
            )
            flock(stage, (8, 22, 11), count=14, spread=22, seed=2)
            routes: list[Walk] = [
                ((-40, -5), (60, -6), 1.3),
                ((40, -4), (-30, -3), 1.2),
                ((-10, -8), (50, -9), 1.5),
                ((20, -3), (-40, -7), 0.9),
                ((70, -10), (-20, -11), 1.4),
            ]
        else:
            hero = self.boat((0.84, 0.82, 0.76), length=17)
            self.sail_along(
                hero,
                Route([(-30, 100, 0), (-12, 60, 0), (10, 40, 0), (50, 45, 0), (110, 95, 0)]),
                3.0,
                4,
            )
            for index, (x, y) in enumerate(((20.0, 80.0), (55.0, 66.0), (80.0, 98.0))):
                yacht = self.boat(
                    ((0.2, 0.3, 0.5), (0.85, 0.85, 0.8), (0.6, 0.2, 0.2))[index],
                    length=9 + index,
                    sail=True,
                )
                self.sail_along(
                    yacht,
                    Route([(x, y, 0), (x - 25, y - 5, 0), (x - 60, y + 12, 0)]),
                    1.5 + 0.3 * index,
                    0,
                )
            flock(stage, (20, 30, 16), count=8, spread=30, seed=21)
            routes = [
                ((60, -4), (-20, -6), 1.1),
                ((-30, -9), (60, -8), 1.4),
                ((30, -3), (70, -4), 1.0),
                ((-44, -6), (30, -5), 1.3),
            ]
        self._walkers(people, routes)

    def _walkers(self, people: Wardrobe, routes: Sequence[Walk]) -> None:
        for index, (a, b, pace) in enumerate(routes):
            route = Route([(*a, 1.4), ((a[0] + b[0]) / 2, a[1] + 0.8, 1.4), (*b, 1.4)])
            for mate in range(2):
                people.walk(
                    people.person(hat=(0.2, 0.2, 0.25) if index % 2 else None),
                    route,
                    pace=pace,
                    start=8 + 6 * index + 1.2 * mate,
                )
        for x, y, heading in ((14, -2, 1.6), (15.2, -1.8, 2.2), (-20, -2.4, 1.2), (36, -12, 0.5)):
            people.stand(people.person(coat=(0.85, 0.6, 0.1)), (x, y, 1.4), heading)


def build(take: str) -> Stage:
    return Harbour(take).stage


TAKES = ("dusk", "noon")
ANCHOR = (
    Shot(
        "wide",
        "dusk",
        0,
        7.0,
        (Key((-33, -11, 4.2), (12, 40, 6), 28), Key((-28, -13, 9.5), (22, 34, 3), 30)),
    ),
    Shot(
        "boat",
        "dusk",
        7,
        7.0,
        (Key((6, -2.5, 3.4), (34, 33, 2.5), 34), Key((12, -2.5, 3.0), (10, 21, 2.5), 32)),
    ),
    Shot(
        "quay",
        "dusk",
        14,
        6.5,
        (Key((50, -1.6, 4.4), (-12, 12, 5), 28), Key((40, -1.2, 5.2), (-34, 24, 6), 32)),
    ),
)
EXTRA = (
    Shot(
        "town",
        "dusk",
        24,
        5.0,
        (Key((-40, -16, 12), (-62, 40, 7), 30), Key((-34, -14, 13), (-50, 70, 6), 30)),
    ),
    Shot(
        "crane",
        "dusk",
        32,
        4.5,
        (Key((20, -18, 2.6), (36, -4, 10), 28), Key((14, -15, 3.0), (40, 6, 9), 28)),
    ),
)
COMPLEMENT = (
    Shot(
        "across",
        "dusk",
        2,
        16.0,
        (
            Key((-46, 62, 9), (14, 10, 3), 34),
            Key((-46, 48, 10), (6, 8, 3), 34),
            Key((-46, 40, 8), (-6, 12, 2.5), 34),
        ),
    ),
)
INCIDENT = (
    Shot(
        "noon basin",
        "noon",
        0,
        8.0,
        (Key((-6, -11, 4.5), (-30, 60, 6), 28), Key((2, -12, 6.5), (-6, 60, 4), 28)),
    ),
    Shot(
        "noon quay",
        "noon",
        9,
        8.0,
        (Key((-36, -5, 3.0), (20, -8, 4), 28), Key((-26, -4, 3.4), (30, -2, 5), 30)),
    ),
)
