"""A camp by a mountain lake under a fire lookout.

The clearing is around the origin, the lake begins at y ≈ 16, the tower stands at (-16, -6).
Take "morning" has mist, a canoe and breakfast; take "evening" another day's last light.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import textures as tx
from cast import Wardrobe, conifer, drive, flock
from shots import Key, Shot
from stage import Light, Point, Route, Solid, Stage, hills, wobble

MORNING = Light(
    sun_azimuth=-0.55,
    sun_elevation=0.50,
    sun_color=(1.0, 0.80, 0.52),
    sun_power=6.0,
    sky=tx.sky(
        sun_azimuth=-0.55,
        sun_elevation=0.48,
        zenith=(0.12, 0.30, 0.62),
        horizon=(0.85, 0.72, 0.52),
        glow=(1.6, 1.0, 0.45),
        cloud=0.45,
        cloud_light=(1.4, 1.15, 0.85),
        cloud_dark=(0.38, 0.40, 0.48),
        seed=61,
    ),
    sky_power=1.3,
    haze_color=(0.52, 0.57, 0.64),
    haze_distance=2600,
    exposure=0.75,
)
EVENING = Light(
    sun_azimuth=2.85,
    sun_elevation=0.16,
    sun_color=(1.0, 0.42, 0.22),
    sun_power=3.2,
    sky=tx.sky(
        sun_azimuth=2.85,
        sun_elevation=0.14,
        zenith=(0.07, 0.08, 0.26),
        horizon=(0.62, 0.26, 0.26),
        glow=(1.6, 0.5, 0.2),
        cloud=0.52,
        cloud_light=(1.0, 0.35, 0.28),
        cloud_dark=(0.10, 0.09, 0.20),
        seed=67,
        stars=1.0,
    ),
    sky_power=1.6,
    haze_color=(0.26, 0.17, 0.24),
    haze_distance=1600,
    exposure=0.95,
)

_RELIEF = hills(45, 1.4, 3)
_PEAKS = hills(230, 70, 9)
_CRAGS = hills(60, 16, 10)


def height(x: tx.Array, y: tx.Array) -> tx.Array:
    """Ground level; the lake's surface is at 0."""
    slope = np.clip((15.5 - y) / 12, -2.0, 1.0) * 1.2
    back = np.clip((-y - 14) / 60, 0, 3) ** 1.3 * 16
    clearing = np.clip((np.hypot(x, y + 1) - 13) / 20, 0, 1)
    far = np.clip((y - 170) / 330, 0, 1.4) + np.clip((abs(x) - 110) / 300, 0, 1.2)
    mountain = np.clip(far, 0, 1.5) ** 1.15 * (55 + 0.45 * _PEAKS(x, y) + 0.5 * _CRAGS(x, y))
    return np.asarray(
        slope + back + _RELIEF(x, y) * clearing * (y < 14) + mountain, dtype=np.float32
    )


def level(x: float, y: float) -> float:
    return float(height(np.array([x], dtype=np.float32), np.array([y], dtype=np.float32))[0])


def path(*points: tuple[float, float]) -> Route:
    """A route on the ground through these points."""
    return Route([(x, y, level(x, y)) for x, y in points])


class Lookout:
    def __init__(self, take: str) -> None:
        self.morning = take == "morning"
        self.stage = Stage(MORNING if self.morning else EVENING)
        stage = self.stage
        self.timber = stage.material(
            "timber", tx.planks((0.22, 0.15, 0.10), (0.50, 0.38, 0.27), 2), 1.6, bump=0.5
        )
        self.bark = stage.material(
            "bark", tx.rock((0.15, 0.11, 0.08), (0.38, 0.30, 0.23), 3), 1.2, follow=True
        )
        self.dark = stage.plain("dark", (0.08, 0.08, 0.08))
        self.land()
        self.forest()
        self.tower()
        self.camp()
        self.life()

    def land(self) -> None:
        stage = self.stage
        meadow = stage.material(
            "meadow", tx.grass(5, dry=0.55), 5.0, rough=0.95, patchy=0.35, bump=0.7
        )
        stage.ground("near", meadow, (240, 120), 110, height, (0, -40))
        slopes = stage.material(
            "slopes", tx.grass(6, dry=0.45), 70.0, rough=0.95, bump=0.8, patchy=0.5
        )
        stage.ground(
            "far",
            slopes,
            (1700, 1100),
            130,
            lambda x, y: (height(x, y) - 3.0 * (y < 25) - 0.4).astype(np.float32),
            (0, 440),
        )
        snow = stage.material(
            "snow",
            tx.mottled((0.42, 0.46, 0.55), (0.96, 0.97, 0.99), 13, beta=1.9, grain=0.04),
            420.0,
            rough=0.9,
            bump=1.0,
        )

        def alps(x: tx.Array, y: tx.Array) -> tx.Array:
            ridge = np.clip(1 - abs(y - 1050) / 420, 0, 1)
            return np.asarray(
                1.7 * ridge * (190 + 1.5 * _PEAKS(x, y) + 1.6 * _CRAGS(x * 0.7, y)),
                dtype=np.float32,
            )

        stage.ground("alps", snow, (3000, 840), 120, alps, (0, 1050))
        ripples = np.zeros((512, 512, 4), dtype=np.float32)
        ripples[..., 3] = tx.noise(2.1, 8)
        lake = stage.water("lake", (0.08, 0.27, 0.28), ripples, 30.0, (0.35, 0.25, 0.0))
        stage.ground("lake", lake, (700, 480), 2, lambda x, y: 0 * x, (0, 240))
        pebbles = stage.material(
            "pebbles", tx.cobbles((0.26, 0.24, 0.21), (0.60, 0.56, 0.50), 9), 1.6
        )
        stage.ground(
            "beach",
            pebbles,
            (120, 7),
            40,
            lambda x, y: height(x, y) + 0.05 - 0.035 * abs(y - 14.5),
            (0, 14.5),
        )
        stones = stage.material(
            "stones", tx.rock((0.24, 0.23, 0.22), (0.56, 0.54, 0.50), 11, strata=1), 2.5
        )
        rng, solid = np.random.default_rng(4), Solid()
        for index in range(70):
            x, y = rng.uniform(-45, 45), rng.uniform(12, 19)
            r = rng.uniform(0.2, 0.9)
            solid.ball(
                stones, (r * 1.3, r, r * 0.7), (x, y, level(x, y)), rough=0.5, seed=index, sides=9
            )
        stage.place(solid, "stones")

    def forest(self) -> None:
        stage, rng = self.stage, np.random.default_rng(7)
        needles = stage.material(
            "needles",
            tx.foliage((0.05, 0.10, 0.05), (0.22, 0.34, 0.15), 12),
            2.2,
            follow=True,
            rough=0.9,
            vary=0.16,
        )
        trees = [conifer(stage, f"spruce {k}", needles, self.bark, 13.0, k) for k in range(4)]
        self._near_trees(trees, rng)
        self._far_trees(trees, rng)
        self._tufts(rng)

    def _tufts(self, rng: np.random.Generator) -> None:
        stage = self.stage
        tufts = Solid()
        straw = stage.material("straw", tx.grass(15, dry=0.5), 1.0, rough=1.0, bump=0)
        for _ in range(700):
            x, y = rng.uniform(-26, 26), rng.uniform(-20, 12)
            if math.hypot(x - 2, y - 2) < 4:
                continue
            z = level(x, y)
            for _ in range(6):
                dx, dy = rng.normal(0, 0.12, 2)
                lean, tall = rng.normal(0, 0.1, 2), rng.uniform(0.15, 0.4)
                tufts.add(
                    [
                        (x + dx - 0.03, y + dy, z),
                        (x + dx + 0.03, y + dy, z),
                        (x + dx + lean[0], y + dy + lean[1], z + tall),
                    ],
                    [(0, 1, 2)],
                    straw,
                )
        stage.place(tufts, "tufts")

    def _far_trees(self, trees: Sequence[Any], rng: np.random.Generator) -> None:
        stage = self.stage
        for _ in range(1500):
            x, y = rng.uniform(-420, 420), rng.uniform(120, 420)
            z = level(x, y)
            if 1.0 < z < 45:
                stage.place(
                    trees[rng.integers(4)],
                    "spruce",
                    (x, y, z - 0.5),
                    turn=rng.uniform(0, 6),
                    scale=float(rng.uniform(0.9, 1.7)),
                )

    def _near_trees(self, trees: Sequence[Any], rng: np.random.Generator) -> None:
        stage = self.stage
        for _ in range(900):
            x, y = rng.uniform(-115, 115), rng.uniform(-95, 11)
            if (
                math.hypot(x, y + 1) < 19
                or (abs(x + 16) < 7 and abs(y + 6) < 7)
                or (y > 3 and abs(x) < 40)
            ):
                continue
            if -30 < y < -10 and -9 < x < 22 and rng.random() < 0.8:
                continue
            if math.hypot(x, y) < 55 and abs(math.atan2(y, x) + 0.55) < 0.42:
                continue  # let the morning sun in
            stage.place(
                trees[rng.integers(4)],
                "spruce",
                (x, y, level(x, y) - 0.2),
                turn=rng.uniform(0, 6),
                scale=float(rng.uniform(0.7, 1.35)),
            )

    def tower(self) -> None:
        stage = self.stage
        base, top = level(-16, -6), 14.0
        solid = Solid()

        self._tower_legs(solid, base, top)
        deck = base + top
        solid.box(self.timber, (6.6, 6.6, 0.25), (-16, -6, deck))
        self._cabin(solid, deck)
        self._railing(solid, deck)
        for k in range(44):  # the stair winds up the four sides
            side, x = divmod(k, 11)
            half = 2.7 - 1.0 * k / 44
            along = -half + 2 * half * x / 10
            px, py = ((along, -half), (half, along), (-along, half), (-half, -along))[side]
            solid.box(
                self.timber, (0.95, 0.95, 0.08), (-16 + px, -6 + py, base + 0.3 + k * top / 44)
            )
        solid.tube(self.dark, (-16, -6, deck + 4.2), (-16, -6, deck + 8.2), 0.05)
        stage.place(solid, "tower")
        cloth = stage.material(
            "flag",
            tx.stripes(((0.72, 0.12, 0.10), (0.9, 0.86, 0.78), (0.14, 0.26, 0.46)), 3, 27),
            2.4,
            follow=True,
        )
        stage.flag(cloth, (-16, -6, deck + 8.1), (2.6, 1.3), turn=0.5)
        if not self.morning:
            stage.lamp((-16, -6, deck + 2.0), 120, (1.0, 0.7, 0.4))

    def _railing(self, solid: Solid, deck: float) -> None:
        for side in (-1, 1):
            for z in (0.6, 1.15):
                solid.tube(
                    self.timber,
                    (-19.2, -6 + side * 3.2, deck + z),
                    (-12.8, -6 + side * 3.2, deck + z),
                    0.05,
                )
                solid.tube(
                    self.timber,
                    (-16 + side * 3.2, -9.2, deck + z),
                    (-16 + side * 3.2, -2.8, deck + z),
                    0.05,
                )
            for k in range(-3, 4):
                solid.tube(
                    self.timber,
                    (-16 + k * 1.06, -6 + side * 3.2, deck),
                    (-16 + k * 1.06, -6 + side * 3.2, deck + 1.2),
                    0.06,
                )
                solid.tube(
                    self.timber,
                    (-16 + side * 3.2, -6 + k * 1.06, deck),
                    (-16 + side * 3.2, -6 + k * 1.06, deck + 1.2),
                    0.06,
                )

    def _cabin(self, solid: Solid, deck: float) -> None:
        stage = self.stage
        wall = stage.material("cabin", tx.planks((0.36, 0.17, 0.11), (0.60, 0.33, 0.22), 21), 2.0)
        solid.box(wall, (3.9, 3.9, 1.0), (-16, -6, deck + 0.25))
        pane = stage.plain("pane", (1.0, 0.75, 0.42), rough=0.1, glow=0.4 if self.morning else 4.0)
        solid.box(pane, (3.7, 3.7, 1.1), (-16, -6, deck + 1.25))
        for k in range(-2, 3):
            for side in (-1, 1):
                solid.box(
                    self.timber, (0.14, 0.14, 1.15), (-16 + k * 0.92, -6 + side * 1.9, deck + 1.22)
                )
                solid.box(
                    self.timber, (0.14, 0.14, 1.15), (-16 + side * 1.9, -6 + k * 0.92, deck + 1.22)
                )
        solid.box(wall, (4.0, 4.0, 0.35), (-16, -6, deck + 2.35))
        roof = stage.material("roof", tx.shingles((0.16, 0.22, 0.18), (0.34, 0.42, 0.34), 23), 3.0)
        solid.box(roof, (5.8, 5.8, 1.7), (-16, -6, deck + 2.7), taper=0.12)

    def _tower_legs(self, solid: Solid, base: float, top: float) -> None:
        def corner(share: float, sx: int, sy: int) -> Point:
            half = 3.1 - 1.1 * share
            return (-16 + sx * half, -6 + sy * half, base + share * top)

        ring = ((-1, -1), (1, -1), (1, 1), (-1, 1))
        for sx, sy in ring:
            solid.tube(self.timber, corner(-0.05, sx, sy), corner(1, sx, sy), 0.2, 0.17)
        for step in range(5):
            low, high = step / 5, (step + 1) / 5
            for a, b in zip(ring, (*ring[1:], ring[0]), strict=True):
                solid.tube(self.timber, corner(high, *a), corner(high, *b), 0.12)
                solid.tube(self.timber, corner(low, *a), corner(high, *b), 0.08)
                solid.tube(self.timber, corner(high, *a), corner(low, *b), 0.08)

    def tent(self, at: Point, turn: float, colors: Any, name: str) -> None:
        stage = self.stage
        cloth = stage.material(name, tx.stripes(colors, 6, len(name)), 2.4, follow=True)
        if not self.morning:
            shader = cloth.node_tree.nodes["Principled BSDF"]
            shader.inputs["Emission Color"].default_value = (1.0, 0.5, 0.2, 1)
            shader.inputs["Emission Strength"].default_value = 0.10
        solid = Solid()
        wide, long, tall = 1.7, 1.9, 1.9
        ends = [
            (-wide, 0.0),
            (-wide * 0.72, tall * 0.55),
            (0.0, tall),
            (wide * 0.72, tall * 0.55),
            (wide, 0.0),
        ]
        verts = [(y, x, z) for x in (-long, long) for y, z in ends]
        solid.add(verts, [(i, i + 1, i + 6, i + 5) for i in range(4)], cloth, round_=True)
        solid.add(verts, [(0, 1, 2, 3, 4)], cloth)
        solid.add(
            [(-0.5, -long - 0.02, 0), (0.5, -long - 0.02, 0), (0, -long - 0.02, 1.5)],
            [(0, 1, 2)],
            self.dark,
        )
        for sx in (-1, 1):
            for sy in (-1, 1):
                solid.tube(
                    self.dark,
                    (sx * 0.2, sy * long, tall),
                    (sx * 2.4, sy * (long + 1.0), 0),
                    0.012,
                    sides=4,
                )
        stage.place(solid, name, at, turn=turn)

    def camp(self) -> None:
        stage, rng = self.stage, np.random.default_rng(2)
        fire: Point = (2.0, 2.0, level(2, 2))
        stones = stage.material(
            "hearth", tx.rock((0.16, 0.15, 0.15), (0.46, 0.44, 0.42), 31, strata=1), 0.8
        )
        solid = Solid()
        self._hearth(solid, stones, fire)
        self._wood_pile(solid)
        solid.box(self.timber, (2.2, 0.9, 0.08), (7.2, 4.2, level(7, 4) + 0.75))
        for dx in (-0.9, 0.9):
            for dy in (-0.35, 0.35):
                solid.box(self.timber, (0.1, 0.1, 0.8), (7.2 + dx, 4.2 + dy, level(7, 4)))
        colors = [
            stage.plain(f"gear {k}", c, rough=0.4)
            for k, c in enumerate(
                ((0.75, 0.18, 0.12), (0.16, 0.35, 0.60), (0.85, 0.65, 0.15), (0.8, 0.8, 0.78))
            )
        ]
        self._gear(solid, colors, rng)
        self._jetty(solid)
        stage.place(solid, "camp")
        self._tents()
        self._fire(fire)

    def _tents(self) -> None:
        self.tent(
            (8.5, -3.5, level(8.5, -3.5)),
            -0.9,
            ((0.80, 0.48, 0.12), (0.86, 0.56, 0.18)),
            "tent one",
        )
        self.tent(
            (12.5, 1.5, level(12.5, 1.5)),
            -1.7,
            ((0.20, 0.38, 0.52), (0.26, 0.46, 0.58), (0.8, 0.8, 0.75)),
            "second tent",
        )
        if not self.morning:
            self.tent(
                (-8.5, 3.5, level(-8.5, 3.5)),
                0.9,
                ((0.55, 0.14, 0.14), (0.62, 0.2, 0.16)),
                "tent of guests",
            )

    def _fire(self, fire: Point) -> None:
        stage = self.stage
        flame = stage.vapour("flame", (1.0, 0.45, 0.08), 0.85, glow=10.0)
        core = stage.vapour("core", (1.0, 0.80, 0.35), 0.95, glow=14.0)
        for k in range(7):
            tongue = Solid()
            tongue.lathe(
                core if k % 2 else flame,
                [(0.16, 0), (0.2, 0.2), (0.12, 0.55), (0.0, 1.0)],
                (0, 0, 0),
                10,
            )
            thing = stage.place(tongue, "flame")

            def lick(t: float, f: Any = thing, k: int = k) -> None:
                f.location = (
                    fire[0] + 0.22 * math.cos(k * 2.3) + wobble(t, k, 0.06, 4),
                    fire[1] + 0.22 * math.sin(k * 2.3),
                    fire[2] + 0.1,
                )
                f.scale = (
                    1,
                    1,
                    0.75 + wobble(t, k * 3.0, 0.35, 5) + (0.4 if not self.morning else 0),
                )
                f.rotation_euler = (wobble(t, k, 0.25, 4), wobble(t, k + 7, 0.25, 4), 0)

            stage.every_frame(lick)
        glow = stage.lamp((fire[0], fire[1], fire[2] + 0.8), 0.0, (1.0, 0.5, 0.18), radius=0.35)
        power = 120 if self.morning else 2200

        def flicker(t: float) -> None:
            glow.data.energy = power * (1 + wobble(t, 5, 0.3, 6))

        stage.every_frame(flicker)
        smoke = stage.vapour(
            "smoke",
            (0.72, 0.73, 0.76),
            0.2 if self.morning else 0.1,
            glow=0.25 if self.morning else 0.06,
        )
        stage.plume(
            smoke,
            (fire[0], fire[1], fire[2] + 1.0),
            count=9,
            life=4.0,
            rise=0.75,
            drift=(0.5, 0.15),
            size=(0.18, 0.7) if self.morning else (0.15, 0.42),
            seed=3,
        )

    def _jetty(self, solid: Solid) -> None:
        for k in range(12):
            solid.box(self.timber, (1.5, 0.42, 0.08), (16, 12.5 + k * 0.46, 0.55))
        for k in (0, 5, 11):
            for dx in (-0.6, 0.6):
                solid.tube(
                    self.bark, (16 + dx, 12.5 + k * 0.46, -1), (16 + dx, 12.5 + k * 0.46, 0.9), 0.09
                )

    def _gear(self, solid: Solid, colors: Sequence[Any], rng: np.random.Generator) -> None:
        """Cups on the table, bags on the ground, washing on a line."""
        for k in range(6):
            solid.lathe(
                colors[k % 4],
                [(0, 0), (0.13, 0), (0.14, 0.2), (0, 0.22)],
                (6.5 + k * 0.28, 4.1 + 0.2 * (k % 2), level(7, 4) + 0.83),
                10,
            )
        for k in range(7):
            x, y = 5.5 + rng.uniform(0, 6), rng.uniform(-2.5, 2.5)
            solid.ball(
                colors[k % 4], (0.28, 0.22, 0.42), (x, y, level(x, y) + 0.35), rough=0.3, seed=k
            )
        solid.tube(self.dark, (5.0, 8.0, level(5, 8)), (5.0, 8.0, 3.4), 0.05)
        solid.tube(self.dark, (11.0, 7.0, level(11, 7)), (11.0, 7.0, 3.4), 0.05)
        solid.tube(self.dark, (5.0, 8.0, 3.2), (11.0, 7.0, 3.2), 0.015, sides=4)
        for k in range(6):
            x = 5.6 + k * 0.9
            solid.add(
                [
                    (x, 8 - (x - 5) / 6, 3.2),
                    (x + 0.65, 8 - (x - 4.4) / 6, 3.2),
                    (x + 0.65, 8 - (x - 4.4) / 6, 2.3),
                    (x, 8 - (x - 5) / 6, 2.35),
                ],
                [(0, 1, 2, 3)],
                colors[k % 4],
            )

    def _wood_pile(self, solid: Solid) -> None:
        stage = self.stage
        cut = stage.material("cut wood", tx.planks((0.52, 0.38, 0.22), (0.80, 0.66, 0.45), 33), 0.6)
        for row in range(4):
            for k in range(8 - row):
                y = -6.6 + 0.3 * (k + row * 0.5)
                solid.tube(
                    self.bark,
                    (-6.0, y, 1.38 + row * 0.26),
                    (-5.1, y, 1.38 + row * 0.26),
                    0.14,
                    sides=9,
                )
                solid.tube(
                    cut, (-5.1, y, 1.38 + row * 0.26), (-5.08, y, 1.38 + row * 0.26), 0.135, sides=9
                )

    def _hearth(self, solid: Solid, stones: Any, fire: Point) -> None:
        """Stones around the fire, logs on it, and benches."""
        for k in range(12):
            a = k * math.pi / 6
            solid.ball(
                stones,
                (0.26, 0.2, 0.2),
                (fire[0] + 0.95 * math.cos(a), fire[1] + 0.95 * math.sin(a), fire[2] + 0.05),
                rough=0.5,
                seed=k,
                sides=8,
            )
        for k in range(6):
            a = k * 1.05
            solid.tube(
                self.bark,
                (fire[0] + 0.6 * math.cos(a), fire[1] + 0.6 * math.sin(a), fire[2]),
                (fire[0] - 0.1 * math.cos(a), fire[1], fire[2] + 0.55),
                0.08,
            )
        for x, y, turn in ((2, -0.8, 0.1), (4.6, 2.6, 1.4), (-0.6, 3.2, 2.0)):
            c, s, z = math.cos(turn) * 1.1, math.sin(turn) * 1.1, level(x, y) + 0.22
            solid.tube(self.bark, (x - c, y - s, z), (x + c, y + s, z), 0.25, sides=12)

    def canoe(self, color: Any, *, crew: int) -> Any:
        stage = self.stage
        shell = stage.material(
            f"canoe {color}", tx.sheet(color, 37, rust=0.1), 2.0, follow=True, rough=0.4
        )
        solid = Solid()
        verts: list[Point] = []
        for x, half, z in (
            (-2.6, 0.02, 0.62),
            (-1.8, 0.32, 0.42),
            (0, 0.46, 0.36),
            (1.8, 0.32, 0.42),
            (2.6, 0.02, 0.62),
        ):
            verts += [(x, -half, z), (x * 0.9, 0, -0.1), (x, half, z)]
        for row in range(4):
            a, b = row * 3, row * 3 + 3
            solid.add(verts, [(a, a + 1, b + 1, b), (a + 1, a + 2, b + 2, b + 1)], shell)
            for side in (0, 2):
                solid.tube(self.timber, verts[a + side], verts[b + side], 0.035, sides=5)
        coats = [
            stage.plain(f"vest {k}", c)
            for k, c in enumerate(((0.85, 0.30, 0.08), (0.85, 0.70, 0.10)))
        ]
        skin, hair = stage.plain("face", (0.75, 0.55, 0.42)), stage.plain("cap", (0.2, 0.15, 0.3))
        for k in range(crew):
            x = 1.2 - 2.3 * k
            solid.lathe(
                coats[k % 2], [(0.24, 0.1), (0.26, 0.5), (0.14, 0.72), (0, 0.74)], (x, 0, 0.1), 10
            )
            solid.ball(skin, 0.13, (x, 0, 0.98))
            solid.ball(hair, 0.14, (x - 0.02, 0, 1.03))
        boat = stage.place(solid, "canoe")
        for k in range(crew):
            paddle = Solid()
            paddle.tube(self.timber, (0, 0, -0.7), (0, 0, 0.9), 0.025, sides=5)
            paddle.box(self.timber, (0.2, 0.04, 0.5), (0, 0, -1.1))
            oar = stage.place(paddle, "paddle", parent=boat)

            def stroke(t: float, o: Any = oar, k: int = k) -> None:
                phase = t * 3.4 + k * 0.4
                o.location = (
                    1.5 - 2.3 * k + 0.3 * math.cos(phase),
                    -0.45,
                    0.75 + 0.15 * math.sin(phase),
                )
                o.rotation_euler = (0.35, 0.6 * math.cos(phase), 0)

            stage.every_frame(stroke)
        return boat

    def dog(self, route: Route, pace: float, start: float) -> None:
        stage = self.stage
        fur = stage.material(
            "fur",
            tx.mottled((0.35, 0.22, 0.12), (0.78, 0.62, 0.42), 45, grain=0.5),
            0.5,
            follow=True,
            bump=0.8,
        )
        solid = Solid()
        solid.ball(fur, (0.42, 0.17, 0.19), (0, 0, 0.52))
        solid.ball(fur, (0.19, 0.13, 0.14), (0.48, 0, 0.74))
        solid.ball(self.dark, (0.05, 0.05, 0.05), (0.68, 0, 0.72), sides=6)
        solid.tube(fur, (-0.4, 0, 0.6), (-0.7, 0.05, 0.9), 0.05, 0.02)
        for y in (-0.1, 0.1):
            solid.add(
                [(0.42, y, 0.82), (0.34, y * 1.9, 0.95), (0.36, y * 0.4, 0.86)],
                [(0, 1, 2)],
                self.dark,
            )
        body = stage.place(solid, "dog")
        legs = []
        for x in (-0.27, 0.27):
            for y in (-0.11, 0.11):
                leg = Solid()
                leg.tube(fur, (0, 0, 0), (0.02, 0, -0.48), 0.06, 0.035)
                legs.append(stage.place(leg, "leg", (x, y, 0.5), parent=body))

        def trot(t: float) -> None:
            at, heading = route.at((start + pace * t) % route.length)
            body.location = (at[0], at[1], level(at[0], at[1]) + 0.05 * abs(math.sin(t * 9)))
            body.rotation_euler = (0, 0, heading)
            for k, leg in enumerate(legs):
                leg.rotation_euler = (0, 0.6 * math.sin(t * 9 + (k in (1, 2)) * math.pi), 0)

        stage.every_frame(trot)

    def life(self) -> None:
        stage = self.stage
        people = Wardrobe(stage, 3 if self.morning else 33)

        if self.morning:
            self._morning_life(people)
        else:
            self._evening_life(people)

    def _evening_life(self, people: Wardrobe) -> None:
        stage = self.stage
        ashore = self.canoe((0.16, 0.40, 0.34), crew=0)
        ashore.location, ashore.rotation_euler = (8, 13.4, 0.65), (0.25, 0, 0.6)
        drive(
            stage,
            self.canoe((0.80, 0.62, 0.15), crew=1),
            Route([(45, 60, 0.05), (20, 38, 0.05), (0, 32, 0.05), (-30, 40, 0.05)]),
            pace=1.6,
            start=2,
        )
        for k in range(7):
            a = 0.4 + k * 0.8
            x, y = 2 + 2.2 * math.cos(a), 2 + 2.2 * math.sin(a)
            people.stand(
                people.person(hat=(0.2, 0.25, 0.2) if k % 3 == 0 else None),
                (x, y, level(x, y)),
                a + math.pi,
            )
        people.walk(
            people.person(), path((-13, -4), (-8, -1), (-3, 1), (-0.6, 1.4)), pace=0.9, start=0
        )
        people.walk(people.person(), path((12, 4), (9, 8), (12, 11), (16, 13)), pace=1.0, start=0)
        self.dog(path((-4, 5), (-8, 2), (-4, -2), (4, -3), (6, 4), (-4, 5)), 1.6, 0)
        flock(stage, (30, 80, 30), count=16, spread=35, seed=31, color=(0.08, 0.08, 0.1))

    def _morning_life(self, people: Wardrobe) -> None:
        stage = self.stage
        drive(
            stage,
            self.canoe((0.72, 0.14, 0.10), crew=2),
            Route(
                [
                    (-30, 42, 0.05),
                    (-5, 34, 0.05),
                    (16, 28, 0.05),
                    (40, 36, 0.05),
                    (70, 60, 0.05),
                ]
            ),
            pace=1.9,
            start=6,
        )
        people.walk(
            people.person(), path((14, 12), (9, 8), (4, 4.5), (3.4, 3.6)), pace=1.0, start=0
        )
        people.walk(
            people.person(hat=(0.5, 0.4, 0.2)),
            path((-12, -2), (-6, -3), (0, -1), (6, 1), (7, 3.2)),
            pace=0.95,
            start=0,
        )
        people.walk(
            people.person(),
            path((9, -1), (6, -4), (0, -5), (-5, -4.6), (-11, -4)),
            pace=0.9,
            start=1,
        )
        for x, y, heading in ((0.4, 0.4, 0.8), (3.9, 0.6, 2.2), (7.0, 5.2, -1.4)):
            people.stand(
                people.person(hat=(0.6, 0.15, 0.1) if x > 5 else None),
                (x, y, level(x, y)),
                heading,
            )
        self.dog(path((0, 5), (6, 8), (10, 4), (5, -2), (-2, -2), (-4, 3), (0, 5)), 2.3, 3)
        flock(stage, (-6, 20, 14), count=12, spread=20, seed=3, color=(0.15, 0.14, 0.14), size=0.8)


def build(take: str) -> Stage:
    return Lookout(take).stage


TAKES = ("morning", "evening")
ANCHOR = (
    Shot(
        "camp",
        "morning",
        0,
        7.0,
        (Key((3, -14, 4.4), (2.5, 6, 3.0), 26), Key((-2, -13.5, 6.8), (3, 8, 2.4), 26)),
    ),
    Shot(
        "from the tower",
        "morning",
        7,
        6.5,
        (Key((-13.1, -3.4, 17.0), (3, 6, 0), 27), Key((-13.1, -2.9, 17.0), (10, 20, 0), 27)),
    ),
    Shot(
        "shore",
        "morning",
        13.5,
        7.0,
        (Key((13, 5.0, 2.8), (-7, -3, 5.8), 27), Key((7.5, 7.2, 2.6), (-8, -4, 6.2), 27)),
    ),
)
EXTRA = (
    Shot(
        "canoe",
        "morning",
        22,
        5.0,
        (Key((2, 13, 2.4), (18, 30, 1.5), 40), Key((5, 13.5, 2.4), (30, 34, 3), 38)),
    ),
    Shot(
        "tower",
        "morning",
        28,
        4.5,
        (Key((-4, -13, 2.6), (-17, -5, 9), 26), Key((-6, -14, 3.4), (-16, -5, 13), 26)),
    ),
)
COMPLEMENT = (
    Shot(
        "other side",
        "morning",
        2,
        16.0,
        (
            Key((18, 7.5, 5.4), (-2, 0, 2.6), 26),
            Key((18.5, 2, 5.8), (-2, 1, 2.4), 26),
            Key((17, -4, 5.6), (-3, 2, 2.2), 26),
        ),
    ),
)
INCIDENT = (
    Shot(
        "evening fire",
        "evening",
        0,
        8.0,
        (Key((7.6, 6.6, 2.9), (-4, -2, 3.8), 25), Key((5.6, 6.0, 2.7), (-5, -2, 4.6), 25)),
    ),
    Shot(
        "evening lake",
        "evening",
        9,
        8.0,
        (Key((-7, -9, 4.0), (6, 16, 2.5), 27), Key((-4, -10, 5.0), (9, 16, 2.5), 27)),
    ),
)
