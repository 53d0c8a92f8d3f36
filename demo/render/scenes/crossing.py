"""A city crossing with a tram line.

One street runs along x (14 m wide), one along y (12 m wide); they meet at the origin. Take
"rain" is a wet early evening with lit windows, take "sun" a dry afternoon with other traffic.
"""

import math
from typing import Any

import numpy as np
import textures as tx
from cast import Wardrobe, car, drive, flock, leafy
from shots import Key, Shot
from stage import Light, Point, Route, Solid, Stage
from textures import Color

RAIN = Light(
    sun_azimuth=2.3,
    sun_elevation=0.6,
    sun_color=(0.75, 0.82, 1.0),
    sun_power=0.9,
    sun_size=0.5,
    sky=tx.sky(
        sun_azimuth=2.3,
        sun_elevation=0.6,
        zenith=(0.20, 0.25, 0.33),
        horizon=(0.42, 0.46, 0.52),
        glow=(0.1, 0.1, 0.1),
        cloud=0.85,
        cloud_light=(0.55, 0.60, 0.68),
        cloud_dark=(0.16, 0.19, 0.25),
        seed=5,
    ),
    sky_power=0.85,
    haze_color=(0.30, 0.34, 0.40),
    haze_distance=260,
    exposure=0.55,
)
SUN = Light(
    sun_azimuth=-2.7,
    sun_elevation=0.88,
    sun_color=(1.0, 0.84, 0.62),
    sun_power=5.5,
    sky=tx.sky(
        sun_azimuth=-2.7,
        sun_elevation=0.88,
        zenith=(0.12, 0.30, 0.68),
        horizon=(0.75, 0.74, 0.70),
        glow=(0.8, 0.5, 0.25),
        cloud=0.40,
        cloud_light=(1.3, 1.15, 1.0),
        cloud_dark=(0.42, 0.44, 0.54),
        seed=17,
    ),
    sky_power=0.9,
    haze_color=(0.62, 0.58, 0.52),
    haze_distance=500,
    exposure=0.9,
)

PAINTS: list[Color] = [
    (0.55, 0.08, 0.07),
    (0.72, 0.72, 0.74),
    (0.08, 0.16, 0.34),
    (0.85, 0.62, 0.10),
    (0.10, 0.10, 0.11),
    (0.20, 0.36, 0.30),
    (0.80, 0.80, 0.78),
    (0.42, 0.20, 0.12),
]
EAST = Route([(-150, -4.7, 0), (0, -4.7, 0), (150, -4.7, 0)])
WEST = Route([(150, 4.7, 0), (0, 4.7, 0), (-150, 4.7, 0)])
STOP_EAST = Route([(-150, -4.7, 0), (-80, -4.7, 0), (-14.5, -4.7, 0)])
STOP_WEST = Route([(150, 4.7, 0), (80, 4.7, 0), (14.5, 4.7, 0)])
NORTH = Route([(3.0, -110, 0), (3.0, 0, 0), (3.0, 110, 0)])
SOUTH = Route([(-3.0, 110, 0), (-3.0, 0, 0), (-3.0, -110, 0)])
TURN_LEFT = Route(
    [
        (3.0, -110, 0),
        (3.0, -40, 0),
        (3.0, -8, 0),
        (1.5, 1, 0),
        (-5, 4.4, 0),
        (-14, 4.7, 0),
        (-150, 4.7, 0),
    ]
)


class Crossing:
    def __init__(self, take: str) -> None:
        self.rainy = take == "rain"
        self.stage = Stage(RAIN if self.rainy else SUN)
        stage = self.stage
        self.dark = stage.plain("iron", (0.10, 0.11, 0.12), rough=0.4)
        self.paint = stage.material(
            "road paint",
            tx.mottled((0.55, 0.55, 0.52), (0.90, 0.90, 0.86), 3, beta=0.8),
            2.0,
            rough=0.4,
        )
        self.streets()
        self.blocks()
        self.furniture()
        self.signs()
        self.traffic()
        self.people()
        if self.rainy:
            stage.rain(900, 4)

    def streets(self) -> None:
        stage = self.stage
        asphalt = stage.material(
            "asphalt",
            tx.mottled((0.10, 0.10, 0.11), (0.30, 0.30, 0.31), 1, beta=1.1, grain=0.5),
            6.0,
            rough=0.45 if self.rainy else 0.85,
            wet=0.52 if self.rainy else 0.0,
            patchy=0.3,
            bump=0.2,
        )
        slabs = stage.material(
            "pavement",
            tx.paving((0.36, 0.34, 0.31), (0.66, 0.63, 0.58), 2, rows=6),
            4.0,
            rough=0.35 if self.rainy else 0.8,
            wet=0.42 if self.rainy else 0.0,
        )
        solid = Solid()
        solid.box(asphalt, (400, 400, 1), (0, 0, -1))
        for sx in (-1, 1):
            for sy in (-1, 1):
                solid.box(slabs, (190, 190, 0.16), (sx * 101, sy * 102, 0))
                solid.ball(slabs, (3.6, 3.6, 0.16), (sx * 7.5, sy * 8.2, 0.0), sides=24)
        for k in range(7):  # zebra crossings on all four arms
            for side in (-1, 1):
                solid.box(self.paint, (3.2, 0.55, 0.012), (side * 9.2, -6 + k * 2.0, 0.002))
                solid.box(self.paint, (0.55, 3.2, 0.012), (-5.2 + k * 1.75, side * 10.4, 0.002))
        for k in range(-40, 40):
            if abs(k) > 3:
                solid.box(self.paint, (0.14, 2.0, 0.012), (0, k * 4, 0.002))
        for x in (-11.6, 11.6):
            solid.box(self.paint, (0.4, 6.4, 0.012), (x, math.copysign(3.4, x), 0.002))
        steel = stage.plain("rail", (0.55, 0.55, 0.56), rough=0.2, metal=1.0)
        for y in (-1.75, -0.3, 0.3, 1.75):
            solid.box(steel, (400, 0.08, 0.014), (0, y, 0.002))
        stage.place(solid, "streets")

    def blocks(self) -> None:
        stage, rng = self.stage, np.random.default_rng(12)
        lit, glow = (0.5, 2.6) if self.rainy else (0.05, 0.3)
        walls = self._facades(lit, glow)
        shops = self._shop_fronts()
        trim = stage.material(
            "trim", tx.mottled((0.55, 0.53, 0.48), (0.80, 0.78, 0.72), 27, beta=1.5), 6.0
        )
        tin = stage.material("tin roof", tx.sheet((0.30, 0.36, 0.36), 28, ribs=12), 5.0)
        solid = Solid()

        def house(x: float, y: float, wide: float, deep: float, floors: int) -> None:
            wall, shop = walls[rng.integers(5)], shops[rng.integers(3)]
            solid.box(shop, (wide, deep, 4.2), (x, y, 0.1))
            solid.box(trim, (wide + 0.5, deep + 0.5, 0.5), (x, y, 4.2))
            solid.box(wall, (wide - 0.2, deep - 0.2, floors * 3.5), (x, y, 4.7))
            for level in range(2, floors, 3):
                solid.box(trim, (wide + 0.15, deep + 0.15, 0.25), (x, y, 4.7 + level * 3.5))
            top = 4.7 + floors * 3.5
            solid.box(trim, (wide + 0.9, deep + 0.9, 0.7), (x, y, top))
            solid.box(tin, (wide - 1, deep - 1, 3.0), (x, y, top + 0.7), taper=0.72)
            for _ in range(4):
                solid.box(
                    trim,
                    (0.9, 0.9, 2.6),
                    (x + rng.uniform(-0.3, 0.3) * wide, y + rng.uniform(-0.3, 0.3) * deep, top + 2),
                )

        for sx in (-1, 1):
            for sy in (-1, 1):
                house(sx * 20, sy * 21, 20, 20, int(rng.integers(4, 7)))
                along = 30.3
                while along < 150:
                    w = float(rng.uniform(12, 20))
                    house(sx * (along + w / 2), sy * 21, w, 20, int(rng.integers(3, 8)))
                    along += w + 0.3
                along = 31.3
                while along < 130:
                    w = float(rng.uniform(12, 20))
                    house(sx * 20, sy * (along + w / 2), 20, w, int(rng.integers(3, 8)))
                    along += w + 0.3
        far = walls[2]
        for sx in (-1, 1):
            solid.box(far, (30, 60, 46), (sx * 175, 0, 0))
            solid.box(walls[1], (60, 30, 38), (0, sx * 160, 0))
        stage.place(solid, "blocks")

    def _shop_fronts(self) -> list[Any]:
        stage = self.stage
        shops = []
        for index in range(3):
            base = tx.mottled(
                (0.12 + 0.1 * index, 0.14, 0.13), (0.25 + 0.1 * index, 0.26, 0.24), 50 + index
            )
            image, light = tx.facade(
                base,
                60 + index,
                columns=3,
                floors=1,
                lit=0.95 if self.rainy else 0.5,
                wide=0.82,
                tall=0.66,
                frame=(0.2, 0.2, 0.2),
            )
            shops.append(
                stage.material(
                    f"shop {index}", image, 12.0, glass=light, glow=3.0 if self.rainy else 0.7
                )
            )
        return shops

    def _facades(self, lit: float, glow: float) -> list[Any]:
        stage = self.stage
        bases = [
            tx.brick((0.38, 0.18, 0.13), (0.62, 0.34, 0.24), 21, 30, 12),
            tx.mottled((0.56, 0.50, 0.40), (0.78, 0.72, 0.60), 22, beta=1.6),
            tx.paving((0.40, 0.40, 0.40), (0.62, 0.61, 0.58), 23, rows=10, joint=0.04),
            tx.brick((0.52, 0.44, 0.32), (0.74, 0.66, 0.50), 24, 30, 12),
            tx.mottled((0.38, 0.46, 0.50), (0.56, 0.64, 0.66), 25, beta=1.6),
        ]
        walls = []
        for index, base in enumerate(bases):
            image, light = tx.facade(
                base,
                30 + index,
                lit=lit,
                columns=4 + index % 2,
                wide=0.45 + 0.1 * (index % 3),
                tall=0.62,
            )
            walls.append(
                stage.material(f"facade {index}", image, 14.0, glass=light, glow=glow, bump=0.5)
            )
        return walls

    def furniture(self) -> None:
        stage, rng = self.stage, np.random.default_rng(3)
        solid = Solid()
        self._street_lamps(solid)
        self._awnings(solid)
        self._benches(solid)
        for _ in range(10):
            solid.lathe(
                self.dark,
                [(0, 0), (0.28, 0), (0.32, 0.9), (0, 0.95)],
                (rng.choice([-1, 1]) * rng.uniform(11, 40), rng.choice([-1, 1]) * 8.4, 0.16),
                10,
            )
        yellow = stage.plain("signal box", (0.75, 0.60, 0.10), rough=0.5)
        for x, y, turn in (
            (-8.2, -8.4, 0.0),
            (8.2, 8.4, math.pi),
            (8.2, -8.4, math.pi / 2),
            (-8.2, 8.4, -math.pi / 2),
        ):
            solid.tube(self.dark, (x, y, 0), (x, y, 3.2), 0.07)
            solid.box(yellow, (0.34, 0.34, 1.05), (x, y, 2.5), turn=turn)
        stage.place(solid, "furniture")
        self.signals()
        self._street_trees()

    def _street_trees(self) -> None:
        stage = self.stage
        leaves = stage.material(
            "leaves",
            tx.foliage((0.08, 0.14, 0.04), (0.36, 0.46, 0.16), 41),
            2.0,
            follow=True,
            vary=0.1,
            bump=0.8,
        )
        bark = stage.material(
            "bark", tx.rock((0.16, 0.12, 0.09), (0.36, 0.30, 0.24), 42), 1.0, follow=True
        )
        trees = [leafy(stage, f"tree {k}", leaves, bark, 6.5, k) for k in range(3)]
        for index, x in enumerate(range(-78, 80, 12)):
            if abs(x) > 36:
                stage.place(trees[index % 3], "tree", (x, 8.7, 0.1), turn=index)
                stage.place(trees[(index + 1) % 3], "tree", (x + 5, -8.7, 0.1), turn=index * 2)

    def _benches(self, solid: Solid) -> None:
        stage = self.stage
        wood = stage.material("bench", tx.planks((0.28, 0.18, 0.10), (0.55, 0.40, 0.25), 78), 1.0)
        for x, y in ((-16, -8.6), (18, 8.8), (-24, 8.9), (26, -8.7)):
            solid.box(wood, (1.8, 0.5, 0.08), (x, y, 0.55))
            solid.box(wood, (1.8, 0.08, 0.5), (x, y + math.copysign(0.25, y), 0.7))
            for dx in (-0.7, 0.7):
                solid.box(self.dark, (0.08, 0.45, 0.45), (x + dx, y, 0.15))

    def _awnings(self, solid: Solid) -> None:
        stage = self.stage
        awnings: tuple[tuple[Color, Color], ...] = (
            ((0.70, 0.16, 0.14), (0.92, 0.88, 0.80)),
            ((0.14, 0.34, 0.24), (0.90, 0.88, 0.80)),
            ((0.16, 0.24, 0.46), (0.88, 0.86, 0.82)),
        )
        cloth = [
            stage.material(f"awning {k}", tx.stripes(pair, 8, 70 + k), 3.0)
            for k, pair in enumerate(awnings)
        ]
        for index in range(26):
            x = (-1) ** index * (13 + (index // 2) * 6.3)
            side = 1 if index % 4 < 2 else -1
            y = side * 11.0
            slope = [
                (x - 2.2, y, 4.0),
                (x + 2.2, y, 4.0),
                (x + 2.2, y - side * 1.9, 3.0),
                (x - 2.2, y - side * 1.9, 3.0),
            ]
            skirt = [
                slope[3],
                slope[2],
                (x + 2.2, y - side * 1.9, 2.6),
                (x - 2.2, y - side * 1.9, 2.6),
            ]
            solid.add(slope, [(0, 1, 2, 3)], cloth[index % 3])
            solid.add(skirt, [(0, 1, 2, 3)], cloth[index % 3])

    def _street_lamps(self, solid: Solid) -> None:
        """Street lamps and the overhead wires of the tram."""
        stage = self.stage
        bulb = stage.plain("bulb", (1.0, 0.85, 0.6), glow=10.0 if self.rainy else 0.4)
        for x in map(float, range(-84, 90, 24)):
            for side in (-1, 1):
                y, lean = side * 8.0, -side * 1.6
                solid.tube(self.dark, (x + 6, y, 0), (x + 6, y, 7.2), 0.10, 0.07)
                solid.tube(self.dark, (x + 6, y, 7.1), (x + 6, y + lean, 7.6), 0.06)
                solid.box(bulb, (0.3, 0.8, 0.14), (x + 6, y + lean, 7.45))
                if self.rainy and abs(x + 6) < 40:
                    stage.lamp((x + 6, y + lean, 7.2), 420, (1.0, 0.82, 0.58))
        for x in range(-90, 91, 18):
            solid.tube(self.dark, (x, -1, 6.6), (x, -1 + 0.01, 6.5), 0.02, sides=4)
        for y in (-1.0, 1.0):
            solid.tube(self.dark, (-150, y, 6.2), (150, y, 6.2), 0.03, sides=4)
        for x in (-60, -30, 30, 60):
            solid.tube(self.dark, (x, -9, 7.6), (x, 9, 7.6), 0.025, sides=4)

    def signals(self) -> None:
        stage = self.stage
        red = stage.plain("signal red", (1.0, 0.08, 0.04), glow=8)
        green = stage.plain("signal green", (0.1, 1.0, 0.4), glow=6)
        for x, y, along in (
            (-8.2, -8.4, True),
            (8.2, 8.4, True),
            (8.2, -8.4, False),
            (-8.2, 8.4, False),
        ):
            pair = []
            for material, z in ((red, 3.35), (green, 2.75)):
                solid = Solid()
                solid.ball(material, 0.19, (0, 0, 0), sides=10)
                pair.append((stage.place(solid, "signal", (x, y, z)), z))

            def change(t: float, p: list[tuple[Any, float]] = pair, x_street: bool = along) -> None:
                free = (t < 12) == x_street
                (stop, z_stop), (go, z_go) = p
                stop.location.z = -5 if free else z_stop
                go.location.z = z_go if free else -5

            stage.every_frame(change)

    def signs(self) -> None:
        stage = self.stage
        strong = 7.0 if self.rainy else 0.8
        neon = [
            stage.plain(f"neon {k}", c, glow=strong)
            for k, c in enumerate(
                ((1.0, 0.25, 0.30), (0.25, 0.75, 1.0), (1.0, 0.70, 0.20), (0.5, 1.0, 0.45))
            )
        ]
        board = stage.plain("board", (0.09, 0.09, 0.10), rough=0.6)
        lines: list[tuple[str, Point, float, float, int]] = [
            ("HOTEL", (20, 10.9, 9.0), 2.4, 0.0, 0),
            ("CAFE", (-18, 10.9, 5.2), 1.5, 0.0, 2),
            ("BOOKS", (-20, -10.9, 5.4), 1.5, math.pi, 1),
            ("KINO", (9.85, 18, 8.0), 2.6, -math.pi / 2, 1),
            ("BAKERY", (34, 10.9, 5.2), 1.3, 0.0, 3),
            ("NOODLES", (22, -10.9, 5.2), 1.4, math.pi, 0),
            ("MUSIC", (-9.85, 20, 6.5), 1.8, math.pi / 2, 2),
            ("PHARMA", (-9.85, -20, 6.0), 1.6, math.pi / 2, 3),
            ("TEA", (9.85, -18, 6.0), 2.0, -math.pi / 2, 2),
            ("OPTIK", (-40, 10.9, 5.2), 1.4, 0.0, 1),
        ]
        solid = Solid()
        for words, at, size, turn, color in lines:
            stage.text(words, neon[color], at, size, turn=turn)
            back = (at[0] + 0.2 * -math.sin(turn), at[1] + 0.2 * math.cos(turn), at[2] - size * 0.6)
            solid.box(board, (size * len(words) * 0.75, 0.12, size * 1.2), back, turn=turn)
        stage.place(solid, "boards")
        if self.rainy:
            for at, hue in (
                ((20, 9, 8), (1.0, 0.3, 0.3)),
                ((-18, 9, 5), (1.0, 0.7, 0.3)),
                ((8, 18, 8), (0.3, 0.7, 1.0)),
                ((22, -9, 5), (1.0, 0.3, 0.3)),
                ((-20, -9, 5), (0.3, 0.7, 1.0)),
            ):
                stage.lamp(at, 160, hue, radius=0.6)

    def tram(self, color: Color) -> Any:
        stage = self.stage
        skin = stage.material(
            f"tram {color}", tx.sheet(color, 88, rust=0.05), 6.0, follow=True, rough=0.3
        )
        cream = stage.plain("cream", (0.88, 0.84, 0.72), rough=0.35)
        glass = stage.plain(
            "tram glass", (0.9, 0.8, 0.55), rough=0.1, glow=1.4 if self.rainy else 0.1
        )
        lamp = stage.plain("tram lamp", (1, 0.95, 0.8), glow=9)
        solid = Solid()
        for car_x in (-9.2, 0.0, 9.2):
            solid.box(skin, (8.9, 2.4, 1.2), (car_x, 0, 0.35))
            solid.box(cream, (8.9, 2.36, 1.75), (car_x, 0, 1.55))
            solid.box(skin, (8.7, 2.2, 0.35), (car_x, 0, 3.3), taper=0.93)
            for k in range(5):
                solid.box(glass, (1.35, 2.44, 1.1), (car_x - 3.4 + k * 1.7, 0, 1.85))
            solid.box(self.dark, (0.5, 2.1, 2.8), (car_x + 4.6, 0, 0.5))
            for x in (-2.6, 2.6):
                solid.box(self.dark, (2.0, 2.1, 0.35), (car_x + x, 0, 0.08))
        solid.profile(
            skin, [(13.6, 0.35), (15.2, 0.4), (15.3, 1.5), (14.6, 3.4), (13.6, 3.5)], 2.35
        )
        solid.profile(glass, [(14.8, 1.6), (15.34, 1.6), (14.76, 3.0), (14.3, 3.0)], 2.0)
        for y in (-0.8, 0.8):
            solid.box(lamp, (0.1, 0.3, 0.2), (15.3, y, 0.9))
        solid.tube(self.dark, (-1, 0, 3.6), (1.5, 0, 5.0), 0.05)
        solid.tube(self.dark, (1.5, 0, 5.0), (0.2, 0, 6.2), 0.05)
        solid.box(self.dark, (0.2, 1.6, 0.06), (0.2, 0, 6.18))
        return stage.place(solid, "tram")

    def traffic(self) -> None:
        stage = self.stage
        lamps = 8.0 if self.rainy else 0.0
        shift = 0 if self.rainy else 3

        def add(route: Route, index: int, **how: float) -> None:
            thing = car(stage, PAINTS[(index + shift) % 8], lamps=lamps, van=index % 4 == 3)
            drive(stage, thing, route, **how)

        if self.rainy:
            for index, start in enumerate((156.0, 132, 106, 88, 60)):
                add(EAST, index, pace=8.5, start=start)
            for index, start in enumerate((168, 140, 112, 84)):
                add(WEST, index + 5, pace=9.0, start=start)
            add(STOP_EAST, 2, pace=7.0, start=33, arrive=14.6)
            add(STOP_EAST, 4, pace=7.0, start=26, arrive=14.6)
            add(STOP_WEST, 6, pace=7.2, start=30, arrive=14.6)
            for index, (route, start) in enumerate(
                ((NORTH, 95), (NORTH, 88), (TURN_LEFT, 81), (SOUTH, 95), (SOUTH, 87.5), (SOUTH, 80))
            ):
                add(route, index, pace=7.5, start=start, leave=13.0 + (index % 3) * 0.8)
            drive(
                stage,
                self.tram((0.66, 0.10, 0.10)),
                Route([(-150, -1.0, 0), (0, -1.0, 0), (150, -1.0, 0)]),
                pace=7.0,
                start=98,
            )
        else:
            for index, start in enumerate((135.0, 120, 98)):
                add(EAST, index, pace=6.5, start=start)
            for index, start in enumerate((40, 75, 100, 118)):
                add(WEST, index + 2, pace=7.5, start=start)
            for index, (route, start) in enumerate(((NORTH, 95), (TURN_LEFT, 88), (SOUTH, 95))):
                add(route, index + 4, pace=7.0, start=start, leave=12.0 + index)
            drive(
                stage,
                self.tram((0.12, 0.34, 0.26)),
                Route([(150, 1.0, 0), (0, 1.0, 0), (-150, 1.0, 0)]),
                pace=6.0,
                start=105,
            )
        for index, x in enumerate((-34, -41, -48, 30, 37, 51, 58)):
            parked = car(stage, PAINTS[(index * 3 + shift) % 8], van=index == 4)
            parked.location, parked.rotation_euler = (
                (x, -6.6 if x < 0 else 6.6, 0),
                (0, 0, 0 if x < 0 else math.pi),
            )

    def people(self) -> None:
        stage, rng = self.stage, np.random.default_rng(6 if self.rainy else 26)
        crowd = Wardrobe(stage, 31 if self.rainy else 57)
        silks: list[Color] = [
            (0.75, 0.10, 0.12),
            (0.10, 0.10, 0.12),
            (0.12, 0.25, 0.55),
            (0.85, 0.70, 0.15),
            (0.15, 0.45, 0.40),
            (0.80, 0.80, 0.82),
        ]

        def someone() -> Any:
            return crowd.person(
                umbrella=silks[rng.integers(6)] if self.rainy and rng.random() < 0.75 else None
            )

        for index in range(16):  # across the y street while x traffic runs
            y = (-1) ** index * float(rng.uniform(9.2, 11.4))
            a, b = (-26, 24) if index % 3 else (26, -24)
            route = Route([(a, y, 0.14), (a * 0.35, y, 0.1), (b * 0.35, y, 0.1), (b, y, 0.14)])
            crowd.walk(
                someone(), route, pace=float(rng.uniform(1.1, 1.6)), start=float(rng.uniform(4, 24))
            )
        for index in range(8):  # across the x street later
            x = (-1) ** index * float(rng.uniform(8.4, 10.0))
            route = Route(
                [
                    (x, 16 * (-1) ** (index // 2), 0.1),
                    (x, 0, 0.05),
                    (x, -16 * (-1) ** (index // 2), 0.1),
                ]
            )
            crowd.walk(someone(), route, pace=1.35, start=-10.0 + float(rng.uniform(0, 5)))
        for index in range(16):  # along the pavements
            y = (-1) ** index * float(rng.uniform(8.0, 10.2))
            a, b = (-60, 60) if index % 4 < 2 else (60, -60)
            crowd.walk(
                someone(),
                Route([(a, y, 0.16), (b, y, 0.16)]),
                pace=float(rng.uniform(0.9, 1.5)),
                start=float(rng.uniform(2, 90)),
            )
        for x, y, heading in (
            (-9.5, -9.3, 1.2),
            (10.5, 9.5, -1.8),
            (-17, 9.6, -0.9),
            (16, -9.4, 2.0),
        ):
            crowd.stand(someone(), (x, y, 0.16), heading)
        if not self.rainy:
            flock(
                stage, (0, 0, 16), count=10, spread=12, seed=8, color=(0.35, 0.36, 0.40), size=0.7
            )


def build(take: str) -> Stage:
    return Crossing(take).stage


TAKES = ("rain", "sun")
ANCHOR = (
    Shot(
        "wide",
        "rain",
        0,
        7.5,
        (Key((-24, -9.6, 7.5), (6, 3, 1.5), 27), Key((-17, -9.4, 5.6), (9, 3, 2.0), 28)),
    ),
    Shot(
        "kerb",
        "rain",
        7.5,
        6.0,
        (Key((-15, 7.0, 1.9), (12, -4, 2.4), 29), Key((-11.8, 7.2, 1.8), (12, -1, 2.4), 29)),
    ),
    Shot(
        "street",
        "rain",
        13.5,
        7.0,
        (Key((-34, 2.6, 4.2), (20, 0, 3.5), 46), Key((-28, 2.4, 3.4), (20, 0, 3.2), 46)),
    ),
)
EXTRA = (
    Shot(
        "up",
        "rain",
        22,
        5.0,
        (Key((5.2, -28, 2.4), (-1, 20, 7), 28), Key((4.6, -23, 2.2), (-1, 20, 6), 28)),
    ),
    Shot(
        "hotel",
        "rain",
        29,
        4.5,
        (Key((2, -9.5, 2.2), (20, 11, 7), 30), Key((6, -9.0, 2.2), (24, 11, 5), 30)),
    ),
)
COMPLEMENT = (
    Shot(
        "balcony",
        "rain",
        2,
        16.0,
        (
            Key((14.8, 10.3, 10.4), (-6, -4, 0.5), 26),
            Key((13.6, 10.2, 9.4), (-4, -4, 0.5), 26),
            Key((12.4, 9.6, 8.6), (-7, -3, 0.5), 26),
        ),
    ),
)
INCIDENT = (
    Shot(
        "sunny corner",
        "sun",
        0,
        8.0,
        (Key((13, -7.4, 2.0), (-14, 7, 3.5), 28), Key((16, -8.4, 4.0), (-12, 6, 3), 28)),
    ),
    Shot(
        "sunny tram",
        "sun",
        9,
        8.0,
        (Key((-36, 9.0, 3.0), (8, -4, 4), 32), Key((-30, 8.6, 2.6), (12, -3, 4), 32)),
    ),
)
