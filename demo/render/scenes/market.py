"""A covered market: iron arches, a glass roof, striped stalls, fruit, people, balloons.

The hall runs along x from -36 to 36 and is 26 m wide. Take "day" has sun through the roof,
take "late" another day's evening with the lamps on.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import textures as tx
from cast import Wardrobe, drive, flock
from shots import Key, Shot
from stage import Light, Point, Route, Solid, Stage, wobble
from textures import Color

DAY = Light(
    sun_azimuth=1.1,
    sun_elevation=0.92,
    sun_color=(1.0, 0.92, 0.78),
    sun_power=9.0,
    sky=tx.sky(
        sun_azimuth=1.1,
        sun_elevation=0.92,
        zenith=(0.25, 0.45, 0.85),
        horizon=(0.7, 0.78, 0.86),
        glow=(0.4, 0.35, 0.3),
        cloud=0.42,
        cloud_light=(1.3, 1.3, 1.3),
        cloud_dark=(0.5, 0.54, 0.62),
        seed=91,
    ),
    sky_power=2.2,
    haze_color=(0.72, 0.68, 0.58),
    haze_distance=420,
    exposure=0.7,
)
LATE = Light(
    sun_azimuth=3.0,
    sun_elevation=0.2,
    sun_color=(0.5, 0.55, 1.0),
    sun_power=0.3,
    sky=tx.sky(
        sun_azimuth=3.0,
        sun_elevation=0.1,
        zenith=(0.05, 0.08, 0.25),
        horizon=(0.20, 0.18, 0.34),
        glow=(0.4, 0.2, 0.3),
        cloud=0.5,
        cloud_light=(0.3, 0.25, 0.4),
        cloud_dark=(0.06, 0.06, 0.14),
        seed=93,
    ),
    sky_power=1.0,
    haze_color=(0.16, 0.12, 0.10),
    haze_distance=260,
    exposure=1.2,
)
FRUIT: tuple[Color, ...] = (
    (0.85, 0.40, 0.06),
    (0.72, 0.08, 0.07),
    (0.90, 0.78, 0.12),
    (0.30, 0.52, 0.12),
    (0.36, 0.10, 0.30),
    (0.60, 0.68, 0.20),
    (0.80, 0.55, 0.35),
    (0.78, 0.18, 0.20),
)


class Market:
    def __init__(self, take: str) -> None:
        self.day = take == "day"
        self.stage = Stage(DAY if self.day else LATE)
        stage = self.stage
        self.iron = stage.material(
            "iron", tx.sheet((0.16, 0.34, 0.30), 1, rust=0.25), 3.0, rough=0.5
        )
        self.wood = stage.material(
            "wood", tx.planks((0.30, 0.19, 0.10), (0.62, 0.45, 0.28), 2), 1.5
        )
        self.dark = stage.plain("dark", (0.07, 0.07, 0.07))
        self.bulb = stage.plain("bulb", (1.0, 0.80, 0.5), glow=2.0 if self.day else 14.0)
        self.hall()
        self.lamps()
        self.stalls()
        self.decor()
        self.crowd()

    def hall(self) -> None:
        stage = self.stage
        floor = stage.material(
            "floor",
            tx.paving((0.44, 0.38, 0.32), (0.76, 0.70, 0.61), 5, rows=8, joint=0.04),
            5.0,
            rough=0.35,
            wet=0.30,
            bump=0.2,
            patchy=0.2,
        )
        base = tx.brick((0.42, 0.20, 0.14), (0.66, 0.38, 0.27), 6, 30, 12)
        image, light = tx.facade(
            base, 7, columns=3, floors=1, lit=0.9, wide=0.42, tall=0.62, frame=(0.75, 0.70, 0.60)
        )
        wall = stage.material("brick", image, 9.0, glass=light, glow=1.6 if self.day else 0.15)
        band = stage.material(
            "band", tx.mottled((0.60, 0.54, 0.44), (0.84, 0.78, 0.66), 8, beta=1.6), 4.0
        )
        solid = Solid()
        solid.box(floor, (76, 30, 0.5), (0, 0, -0.5))
        for side in (-1, 1):
            solid.box(wall, (72, 0.6, 9), (0, side * 13.2, 0))
            solid.box(band, (72, 0.9, 0.5), (0, side * 13.1, 8.8))
            solid.box(band, (72, 0.8, 0.9), (0, side * 13.0, 0))
            solid.box(wall, (0.6, 27, 14), (side * 36, 0, 0))
            solid.box(band, (0.9, 27, 0.6), (side * 35.9, 0, 6.2))
        self._arches(solid, band)
        self._hall_roof(solid)
        clock = stage.plain("clock", (0.92, 0.88, 0.76), glow=0.5)
        for side in (-1, 1):
            x = side * 35.5
            solid.tube(clock, (x, 0, 9.5), (x - side * 0.1, 0, 9.5), 1.5, sides=28)
            solid.tube(self.dark, (x - side * 0.14, 0, 9.5), (x - side * 0.14, 0.5, 10.3), 0.07)
            solid.tube(self.dark, (x - side * 0.14, 0, 9.5), (x - side * 0.14, -0.9, 9.9), 0.05)
        stage.place(solid, "hall")
        sign = stage.plain("sign", (0.9, 0.72, 0.3), rough=0.3, metal=0.6, glow=0.3)
        stage.text("MERCATO", sign, (35.4, 0, 12.2), 1.6, turn=-math.pi / 2)
        stage.text("MERCATO", sign, (-35.4, 0, 12.2), 1.6, turn=math.pi / 2)

    def _hall_roof(self, solid: Solid) -> None:
        stage = self.stage
        tin = stage.material("roof", tx.sheet((0.62, 0.60, 0.54), 9, ribs=14, rust=0.15), 4.0)
        for i in range(14):  # roof: closed at the sides, glazing bars over the open middle
            a0, a1 = math.pi * i / 14, math.pi * (i + 1) / 14
            y0, z0, y1, z1 = (
                13.1 * math.cos(a0),
                8.8 + 6.2 * math.sin(a0),
                13.1 * math.cos(a1),
                8.8 + 6.2 * math.sin(a1),
            )
            if 4 <= i <= 9:
                for k in range(37):
                    x = -36.0 + 2 * k
                    solid.tube(self.iron, (x, y0, z0), (x, y1, z1), 0.045, sides=4)
                solid.tube(self.iron, (-36, y0, z0), (36, y0, z0), 0.08, sides=5)
            else:
                solid.add(
                    [(-36, y0, z0), (36, y0, z0), (36, y1, z1), (-36, y1, z1)], [(0, 1, 2, 3)], tin
                )

    def _arches(self, solid: Solid, band: Any) -> None:
        for k in range(13):
            x = -36.0 + 6 * k
            arch = [
                (13.0 * math.cos(a), 8.6 + 6.2 * math.sin(a))
                for a in (math.pi * i / 14 for i in range(15))
            ]
            for (y0, z0), (y1, z1) in itertools.pairwise(arch):
                solid.tube(self.iron, (x, y0, z0), (x, y1, z1), 0.16, sides=6)
                solid.tube(
                    self.iron, (x, y0 * 0.9, z0 - 0.9), (x, y1 * 0.9, z1 - 0.9), 0.09, sides=6
                )
                solid.tube(self.iron, (x, y0, z0), (x, y1 * 0.9, z1 - 0.9), 0.06, sides=5)
            for side in (-1, 1):
                solid.tube(
                    self.iron, (x, side * 12.5, 0), (x, side * 12.5, 9.0), 0.2, 0.15, sides=10
                )
                solid.lathe(band, [(0.42, 0), (0.42, 0.5), (0.25, 0.8)], (x, side * 12.5, 0), 10)
            solid.tube(self.iron, (x, -12.4, 8.4), (x, 12.4, 8.4), 0.05, sides=5)

    def lamps(self) -> None:
        stage, solid = self.stage, Solid()
        for k in range(6):
            for y in (-6.2, 0.0, 6.2):
                x = -30 + 12 * k + (6 if y == 0 else 0)
                z = 5.2 if y else 6.2
                solid.tube(self.dark, (x, y, 8.4), (x, y, z + 0.35), 0.02, sides=4)
                solid.lathe(self.iron, [(0.08, 0.4), (0.2, 0.3), (0.55, 0.0)], (x, y, z), 14)
                solid.ball(self.bulb, 0.18, (x, y, z), sides=10)
                if not self.day and abs(x) < 30:
                    stage.lamp((x, y, z - 0.25), 420, (1.0, 0.72, 0.42), radius=0.25)
        stage.place(solid, "lamps")
        if self.day:
            for x in (-24, -8, 8, 24):  # what the walls and the floor throw back
                stage.lamp((x, 0, 8.2), 500, (1.0, 0.9, 0.76), size=9.0)
        for x in range(-28, 30, 8):  # light that the pavement throws under the awnings
            for y in (-6.1, 0.0, 6.1):
                power = 70 if self.day else 110
                stage.lamp(
                    (x, y, 2.5),
                    power,
                    (1.0, 0.88, 0.72) if self.day else (1.0, 0.72, 0.45),
                    radius=0.9,
                )

    def stalls(self) -> None:
        stage, rng = self.stage, np.random.default_rng(21)
        pairs: tuple[tuple[Color, Color], ...] = (
            ((0.74, 0.14, 0.12), (0.93, 0.90, 0.82)),
            ((0.12, 0.36, 0.28), (0.93, 0.90, 0.82)),
            ((0.90, 0.62, 0.12), (0.93, 0.90, 0.80)),
            ((0.14, 0.28, 0.52), (0.92, 0.90, 0.84)),
        )
        cloths = [
            stage.material(f"awning {k}", tx.stripes(pair, 10, 30 + k), 2.8)
            for k, pair in enumerate(pairs)
        ]
        skins = [
            stage.material(
                f"fruit {k}",
                tx.mottled(tx.shade(c, 0.7), c, 50 + k),
                0.5,
                follow=True,
                rough=0.4,
                vary=0.12,
                bump=0,
            )
            for k, c in enumerate(FRUIT)
        ]
        fruit = []
        for k, skin in enumerate(skins):
            solid = Solid()
            solid.ball(skin, (1, 1, 1.0 if k % 3 else 0.8), (0, 0, 0), sides=8)
            fruit.append(solid.mesh(f"fruit {k}"))
        frame = Solid()
        for row, y in enumerate((-9.2, -3.4, 3.4, 9.2)):
            out = -1 if y < 0 else 1
            face = out if abs(y) < 5 else -out
            for k in range(10):
                x = -30 + 6.6 * k + (row % 2) * 1.2
                cloth = cloths[(k * 3 + row) % 4]
                self._stall(frame, cloth, x, y)
                self._display(frame, fruit, cloths, rng, x, y, face)
                for dx in (-1.2, 0.2, 1.4):
                    frame.ball(
                        skins[int(rng.integers(8))],
                        (0.16, 0.12, 0.3),
                        (x + dx, y - face * 0.3, 2.15),
                        rough=0.3,
                        seed=k,
                    )
        self._crates(frame, rng)
        self._flowers(frame, rng)
        stage.place(frame, "stalls")

    def _display(
        self,
        frame: Solid,
        fruit: Sequence[Any],
        cloths: Sequence[Any],
        rng: np.random.Generator,
        x: float,
        y: float,
        face: int,
    ) -> None:
        """Four trays of fruit, each with its price tag."""
        stage = self.stage
        for slot in range(4):
            kind = int(rng.integers(8))
            cx = x - 1.65 + slot * 1.1
            frame.box(self.wood, (1.0, 0.9, 0.22), (cx, y + face * 0.55, 0.9), tilt=-face * 0.35)
            radius = 0.085 + 0.03 * (kind % 3)
            for i in range(5):
                for j in range(4):
                    at = (
                        cx - 0.38 + i * 0.19,
                        y + face * (0.22 + j * 0.2),
                        1.26 - j * 0.075 + rng.uniform(0, 0.05),
                    )
                    stage.place(
                        fruit[kind],
                        "fruit",
                        at,
                        scale=float(radius * rng.uniform(0.9, 1.12)),
                    )
            frame.box(cloths[kind % 4], (0.5, 0.03, 0.22), (cx, y + face * 0.05, 1.55))

    def _stall(self, frame: Solid, cloth: Any, x: float, y: float) -> None:
        """Posts, awning and counter of one stall."""
        for dx in (-2.2, 2.2):
            frame.tube(self.wood, (x + dx, y - 1.1, 0), (x + dx, y - 1.1, 2.7), 0.05)
            frame.tube(self.wood, (x + dx, y + 1.1, 0), (x + dx, y + 1.1, 2.7), 0.05)
        roof = [
            (x - 2.5, y - 1.5, 2.55),
            (x + 2.5, y - 1.5, 2.55),
            (x + 2.5, y, 3.25),
            (x - 2.5, y, 3.25),
            (x + 2.5, y + 1.5, 2.55),
            (x - 2.5, y + 1.5, 2.55),
        ]
        frame.add(roof, [(0, 1, 2, 3), (3, 2, 4, 5)], cloth)
        for edge in (-1.5, 1.5):
            frame.add(
                [
                    (x - 2.5, y + edge, 2.55),
                    (x + 2.5, y + edge, 2.55),
                    (x + 2.5, y + edge, 2.2),
                    (x - 2.5, y + edge, 2.2),
                ],
                [(0, 1, 2, 3)],
                cloth,
            )
        frame.box(self.wood, (4.4, 1.9, 0.85), (x, y, 0))

    def _flowers(self, frame: Solid, rng: np.random.Generator) -> None:
        stage = self.stage
        leaf = stage.material(
            "flowers", tx.foliage((0.12, 0.25, 0.08), (0.45, 0.55, 0.2), 73), 0.6, bump=0.8
        )
        blooms = [
            stage.plain(f"bloom {k}", c)
            for k, c in enumerate(
                ((0.9, 0.25, 0.45), (0.95, 0.8, 0.2), (0.95, 0.92, 0.9), (0.55, 0.3, 0.75))
            )
        ]
        for k in range(24):
            x, y = rng.uniform(-30, 30), rng.choice([-1.5, 1.5])
            frame.lathe(self.iron, [(0, 0), (0.2, 0), (0.27, 0.45), (0, 0.4)], (x, y, 0), 10)
            frame.ball(leaf, (0.38, 0.38, 0.3), (x, y, 0.6), rough=0.5, seed=k, sides=10)
            for _ in range(9):
                dx, dy = rng.normal(0, 0.2, 2)
                frame.ball(
                    blooms[k % 4], 0.07, (x + dx, y + dy, 0.85 + rng.uniform(0, 0.12)), sides=6
                )

    def _crates(self, frame: Solid, rng: np.random.Generator) -> None:
        stage = self.stage
        crate = stage.material(
            "crate", tx.planks((0.46, 0.33, 0.19), (0.76, 0.60, 0.40), 71, rows=5), 0.9
        )
        for _ in range(44):
            x, y = rng.uniform(-33, 33), rng.choice([-11.2, -5.3, 5.3, 11.2, -1.6, 1.6])
            for level in range(int(rng.integers(1, 4))):
                frame.box(
                    crate,
                    (0.75, 0.5, 0.36),
                    (x, y + rng.uniform(-0.05, 0.05), level * 0.37),
                    turn=float(rng.uniform(-0.3, 0.3)),
                )

    def decor(self) -> None:
        stage = self.stage
        colors: tuple[Color, ...] = (
            (0.80, 0.15, 0.12),
            (0.95, 0.78, 0.15),
            (0.15, 0.42, 0.35),
            (0.18, 0.32, 0.62),
            (0.92, 0.88, 0.80),
        )
        cloth = [stage.plain(f"bunting {k}", c, rough=0.8) for k, c in enumerate(colors)]
        solid = Solid()
        for k in range(6):
            x = -27 + 11 * k
            for i in range(24):
                y0, y1 = -12 + i, -11.2 + i
                z = 7.6 - 1.6 * (1 - ((y0 + 0.4) / 12) ** 2)
                solid.add(
                    [(x, y0, z), (x, y1, z), (x, (y0 + y1) / 2, z - 0.6)], [(0, 1, 2)], cloth[i % 5]
                )
        stage.place(solid, "bunting")
        for k, x in enumerate((-24, -8, 8, 24)):
            banner = stage.material(
                f"banner {k}",
                tx.stripes((colors[k], colors[(k + 2) % 5]), 4, 80 + k),
                1.8,
                follow=True,
            )
            for y in (-12.0, 12.0):
                stage.flag(banner, (x, y * 0.97, 8.2), (1.5, 3.6), turn=0.0)

    def balloons(self, person: Any, count: int) -> None:
        stage, rng = self.stage, np.random.default_rng(count)
        colors: tuple[Color, ...] = (
            (0.9, 0.1, 0.1),
            (0.95, 0.75, 0.05),
            (0.1, 0.4, 0.85),
            (0.2, 0.7, 0.3),
            (0.9, 0.4, 0.7),
        )
        for k in range(count):
            solid = Solid()
            shiny = stage.plain(f"balloon {k}", colors[k % 5], rough=0.2)
            solid.lathe(
                shiny,
                [(0.0, -0.30), (0.14, -0.2), (0.25, 0.02), (0.22, 0.2), (0.12, 0.29), (0, 0.32)],
                (0, 0, 0),
                16,
            )
            solid.tube(self.dark, (0, 0, -0.3), (0, 0, -1.2), 0.006, sides=4)
            dx, dy, up = rng.normal(0, 0.3), rng.normal(0, 0.3), rng.uniform(2.4, 3.2)
            thing = stage.place(solid, "balloon")

            def follow(
                t: float, b: Any = thing, x: float = dx, y: float = dy, z: float = up, k: int = k
            ) -> None:
                at = person.body.location
                b.location = (
                    at[0] + x + wobble(t, k, 0.15),
                    at[1] + y + wobble(t, k + 4, 0.15),
                    at[2] + z + wobble(t, k, 0.08, 1.6),
                )

            stage.every_frame(follow)

    def cart(self) -> Any:
        stage, solid, rng = self.stage, Solid(), np.random.default_rng(5)
        red = stage.plain("cart", (0.66, 0.14, 0.10), rough=0.35)
        boxes = [
            stage.material(
                f"box {k}", tx.planks(tx.shade(c, 0.6), c, 85 + k, rows=4), 0.8, follow=True
            )
            for k, c in enumerate(((0.70, 0.55, 0.34), (0.40, 0.55, 0.36), (0.36, 0.46, 0.60)))
        ]
        solid.box(red, (2.4, 1.1, 0.14), (0, 0, 0.45))
        for k in range(9):
            solid.box(
                boxes[k % 3],
                (0.72, 0.48, 0.4),
                (
                    -0.75 + (k % 3) * 0.75,
                    -0.26 + 0.52 * (k // 3 % 2),
                    0.6 + 0.41 * (k // 6) + 0.41 * (k % 2),
                ),
                turn=float(rng.uniform(-0.1, 0.1)),
            )
        for x in (-0.85, 0.85):
            for y in (-0.55, 0.55):
                solid.tube(self.dark, (x, y - 0.06, 0.25), (x, y + 0.06, 0.25), 0.25, sides=14)
        solid.tube(self.iron, (-1.2, -0.4, 0.5), (-1.7, -0.4, 1.1), 0.03)
        solid.tube(self.iron, (-1.2, 0.4, 0.5), (-1.7, 0.4, 1.1), 0.03)
        solid.tube(self.iron, (-1.7, -0.45, 1.1), (-1.7, 0.45, 1.1), 0.03)
        return stage.place(solid, "cart")

    def crowd(self) -> None:
        stage, rng = self.stage, np.random.default_rng(11 if self.day else 47)
        people = Wardrobe(stage, 9 if self.day else 90)
        lanes = (-6.3, -5.6, 0.9, -0.7, 5.7, 6.5)
        for index in range(26 if self.day else 16):
            y = lanes[index % 6] + float(rng.uniform(-0.25, 0.25))
            a, b = (-34, 34) if index % 2 else (34, -34)
            hat: Color | None = (0.75, 0.65, 0.42) if index % 5 == 0 else None
            people.walk(
                people.person(hat=hat),
                Route([(a, y, 0), (a / 3, y + 0.4, 0), (b / 3, y - 0.3, 0), (b, y, 0)]),
                pace=float(rng.uniform(0.7, 1.35)),
                start=float(rng.uniform(0, 62)),
                loop=True,
            )
        for index in range(14):
            x, y = -28 + 4.3 * index, (-7.4, 5.0, -5.0, 7.3)[index % 4]
            people.stand(
                people.person(),
                (x, y, 0),
                math.copysign(math.pi / 2, y) * (-1 if abs(y) < 6 else 1) + math.pi,
            )
        for index in range(10):
            x, y = -29 + 6.6 * index, (-10.6, -2.1, 2.1, 10.6)[index % 4]
            people.stand(
                people.person(coat=(0.88, 0.86, 0.80)),
                (x, y, 0),
                -math.copysign(math.pi / 2, y) if abs(y) > 5 else math.copysign(math.pi / 2, y),
            )
        porter, cart = people.person(coat=(0.2, 0.3, 0.55)), self.cart()
        if self.day:
            lane = Route([(30, 0.2, 0), (8, -0.2, 0), (-12, 0.2, 0), (-34, 0, 0)])
            drive(stage, cart, lane, pace=1.5, start=4)
            people.walk(porter, lane, pace=1.5, start=2)
            child = people.person(coat=(0.9, 0.5, 0.6))
            child.body.scale = (0.68, 0.68, 0.68)
            people.walk(
                child,
                Route([(-26, -0.8, 0), (-10, 0.8, 0), (4, -0.6, 0), (24, 0.5, 0)]),
                pace=1.2,
                start=6,
            )
            self.balloons(child, 7)
            flock(
                stage,
                (0, 0, 8.6),
                count=9,
                spread=9,
                seed=5,
                color=(0.55, 0.56, 0.60),
                size=0.6,
                pace=0.6,
            )
        else:
            lane = Route([(-32, -6.0, 0), (-10, -6.2, 0), (10, -5.9, 0), (32, -6.0, 0)])
            drive(stage, cart, lane, pace=1.1, start=16)
            people.walk(porter, lane, pace=1.1, start=14)
            seller = people.person(coat=(0.3, 0.6, 0.5))
            people.stand(seller, (2, 0.2, 0), 0.5)
            self.balloons(seller, 12)


def build(take: str) -> Stage:
    return Market(take).stage


_TOP: Point = (0, 0, 3.2)
TAKES = ("day", "late")
ANCHOR = (
    Shot(
        "hall",
        "day",
        0,
        7.0,
        (Key((-31, -0.4, 5.6), _TOP, 25), Key((-23, 0.6, 4.4), (6, 0, 2.8), 26)),
    ),
    Shot(
        "aisle",
        "day",
        7,
        6.5,
        (Key((6, 6.0, 1.9), (22, 1.6, 2.0), 27), Key((1, 6.2, 1.8), (-14, 1.0, 2.2), 27)),
    ),
    Shot(
        "middle",
        "day",
        13.5,
        7.0,
        (Key((16, -1.0, 2.2), (-8, 0.6, 2.6), 28), Key((10, 1.2, 2.6), (-12, -0.4, 3.2), 28)),
    ),
)
EXTRA = (
    Shot(
        "roof",
        "day",
        22,
        5.0,
        (Key((-14, -2, 1.8), (4, 2, 9), 24), Key((-10, -2, 1.9), (8, 2, 6.5), 24)),
    ),
    Shot(
        "fruit",
        "day",
        28,
        4.5,
        (Key((-17.5, 5.6, 1.9), (-13, 3.2, 1.2), 30), Key((-13.5, 5.8, 1.9), (-9, 3.2, 1.2), 30)),
    ),
)
COMPLEMENT = (
    Shot(
        "gallery",
        "day",
        2,
        16.0,
        (
            Key((31, 9.9, 6.4), (4, -1, 1.2), 26),
            Key((24, 9.9, 6.2), (0, -2, 1.0), 26),
            Key((17, 9.7, 5.9), (-5, -2, 1.0), 26),
        ),
    ),
)
INCIDENT = (
    Shot(
        "late aisle",
        "late",
        0,
        8.0,
        (Key((-25, -6.0, 2.0), (2, -5, 2.4), 26), Key((-19, -6.3, 2.4), (6, -4.6, 2.6), 26)),
    ),
    Shot(
        "late hall",
        "late",
        9,
        8.0,
        (Key((12, 0.8, 2.2), (-14, 0, 4.0), 25), Key((8, -0.6, 4.6), (-16, 0, 3.4), 25)),
    ),
)
