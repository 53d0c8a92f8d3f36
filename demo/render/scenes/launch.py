"""A rocket launch in a desert of table mountains.

The pad is at the origin, the service tower at x = -9, mission buildings at y < -60. In take
"launch" the engines light at t = 9 s and the rocket leaves at t = 11 s; take "rollout" is
another day's dawn, when a crawler brings a rocket to the pad.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import textures as tx
from cast import Wardrobe, car, drive, flock
from shots import Key, Shot
from stage import Light, Point, Route, Solid, Stage, hills, smooth, wobble

LAUNCH = Light(
    sun_azimuth=-2.2,
    sun_elevation=0.62,
    sun_color=(1.0, 0.92, 0.80),
    sun_power=5.5,
    sky=tx.sky(
        sun_azimuth=-2.2,
        sun_elevation=0.62,
        zenith=(0.07, 0.22, 0.62),
        horizon=(0.66, 0.66, 0.66),
        glow=(0.5, 0.4, 0.25),
        cloud=0.33,
        cloud_light=(1.3, 1.25, 1.2),
        cloud_dark=(0.50, 0.50, 0.56),
        seed=101,
    ),
    sky_power=0.9,
    haze_color=(0.60, 0.56, 0.52),
    haze_distance=1900,
    exposure=0.15,
)
DAWN = Light(
    sun_azimuth=1.9,
    sun_elevation=0.14,
    sun_color=(1.0, 0.55, 0.32),
    sun_power=3.2,
    sky=tx.sky(
        sun_azimuth=1.9,
        sun_elevation=0.10,
        zenith=(0.10, 0.12, 0.36),
        horizon=(0.75, 0.38, 0.34),
        glow=(1.4, 0.6, 0.3),
        cloud=0.5,
        cloud_light=(1.1, 0.5, 0.42),
        cloud_dark=(0.16, 0.14, 0.26),
        seed=113,
        stars=0.6,
    ),
    sky_power=0.95,
    haze_color=(0.36, 0.24, 0.27),
    haze_distance=1500,
    exposure=0.55,
)
IGNITION, LIFT_OFF = 9.0, 11.0  # seconds
PAD = 3.4  # metres from the ground to the launch table

_DUNES = hills(70, 2.2, 8)
_MESA = hills(190, 1.0, 21)


def height(x: tx.Array, y: tx.Array) -> tx.Array:
    """Flat around the pad, dunes beyond, table mountains on the horizon."""
    away = np.hypot(x, y)
    dunes = _DUNES(x, y) * np.clip((away - 60) / 120, 0, 1)
    band = np.clip((away - 330) / 120, 0, 1)
    table = np.clip((_MESA(x, y) - 0.12) * 9, 0, 1)
    step = np.clip((_MESA(x + 30, y) - 0.42) * 9, 0, 1)
    talus = np.clip((_MESA(x, y) + 0.25) * 1.4, 0, 1)
    return np.asarray(dunes + band * (22 * talus + 62 * table + 34 * step) - 0.05, dtype=np.float32)


def flight(t: float) -> tuple[float, float, float]:
    """Where the rocket is: sideways drift, height above the table, lean."""
    s = max(t - LIFT_OFF, 0.0)
    return 0.10 * s * s, 1.35 * s * s, 0.006 * s * s


VEST, HELMET = (0.90, 0.45, 0.08), (0.92, 0.92, 0.88)


class Launch:
    def __init__(self, take: str) -> None:
        self.launch = take == "launch"
        self.stage = Stage(LAUNCH if self.launch else DAWN)
        stage = self.stage
        self.concrete = stage.material(
            "concrete",
            tx.paving((0.44, 0.42, 0.39), (0.68, 0.66, 0.62), 1, rows=4, joint=0.02),
            12.0,
            patchy=0.35,
            rough=0.85,
        )
        self.red = stage.material(
            "red lattice", tx.sheet((0.62, 0.18, 0.10), 2, rust=0.35), 4.0, rough=0.6
        )
        self.grey = stage.material(
            "grey", tx.sheet((0.60, 0.61, 0.60), 3, rust=0.3), 4.0, follow=True, rough=0.5
        )
        self.white = stage.material(
            "white", tx.sheet((0.88, 0.88, 0.86), 4, rust=0.08), 6.0, follow=True, rough=0.4
        )
        self.dark = stage.plain("dark", (0.08, 0.08, 0.085), rough=0.6)
        self.land()
        self.pad()
        self.tower()
        self.base()
        self.rocket = self.build_rocket()
        if self.launch:
            self.fly()
        else:
            self.roll_out()
        self.people_and_cars()

    def land(self) -> None:
        stage = self.stage
        sand = stage.material(
            "sand",
            tx.mottled((0.50, 0.33, 0.20), (0.80, 0.60, 0.40), 5, beta=1.2, grain=0.35),
            14.0,
            rough=0.95,
            patchy=0.4,
            bump=0.6,
        )
        stage.ground("desert", sand, 640, 120, height)
        rock = stage.material(
            "mesa",
            tx.rock((0.34, 0.17, 0.10), (0.74, 0.47, 0.30), 6, strata=9),
            70.0,
            rough=0.95,
            bump=0.6,
        )
        stage.ground(
            "mesas", rock, 2600, 190, lambda x, y: height(x, y) - 4.0 * (np.hypot(x, y) < 300)
        )
        self._scrub()

    def _scrub(self) -> None:
        """Bushes and boulders."""
        stage = self.stage
        scrub = stage.material(
            "scrub",
            tx.foliage((0.16, 0.18, 0.08), (0.48, 0.46, 0.25), 7),
            0.8,
            follow=True,
            vary=0.1,
            bump=0.8,
        )
        stone = stage.material(
            "boulder",
            tx.rock((0.32, 0.20, 0.14), (0.66, 0.46, 0.33), 9, strata=1),
            2.0,
            follow=True,
        )
        rng, meshes = np.random.default_rng(3), []
        for k in range(3):
            bush, rock_ball = Solid(), Solid()
            for j in range(5):
                bush.ball(
                    scrub,
                    (0.5, 0.5, 0.4),
                    (rng.normal(0, 0.35), rng.normal(0, 0.35), 0.25),
                    rough=0.6,
                    seed=k * 9 + j,
                    sides=9,
                )
            rock_ball.ball(stone, (0.9, 0.7, 0.55), (0, 0, 0.2), rough=0.5, seed=k, sides=9)
            meshes += [bush.mesh("bush"), bush.mesh("bush"), rock_ball.mesh("boulder")]
        for _ in range(900):
            radius, angle = (
                rng.uniform(26, 200) if rng.random() < 0.7 else rng.uniform(200, 310),
                rng.uniform(0, 6.28),
            )
            x, y = radius * math.cos(angle), radius * math.sin(angle)
            if (abs(y + 20) < 7 and x > 0) or (abs(x) < 6 and y < 0):
                continue
            z = float(height(np.array([x], dtype=np.float32), np.array([y], dtype=np.float32))[0])
            stage.place(
                meshes[rng.integers(9)],
                "bush",
                (x, y, z),
                turn=rng.uniform(0, 6),
                scale=float(rng.uniform(0.5, 1.9)),
            )

    def pad(self) -> None:
        stage, solid = self.stage, Solid()
        solid.box(self.concrete, (44, 40, 0.3), (0, 0, 0))
        solid.box(self.concrete, (16, 14, PAD), (0, 0, 0), taper=0.86)
        solid.box(self.dark, (5.4, 30, PAD - 0.7), (0, 0, 0.32))
        solid.box(self.concrete, (9, 150, 0.14), (0, -90, 0))
        solid.box(self.concrete, (200, 8, 0.13), (100, -20, 0))
        self._markings(solid)
        self._fence(solid)
        self._floodlights(solid)
        self._tanks(solid)
        solid.tube(self.white, (-30, -2, 0), (-30, -2, 24), 1.1, 0.9, sides=14)
        solid.ball(self.white, (4.6, 4.6, 3.6), (-30, -2, 26), sides=20)
        stage.text("07", self.dark, (-30, -6.8, 26), 3.4)
        stage.place(solid, "pad")

    def _tanks(self, solid: Solid) -> None:
        for x, y in ((34, 34), (46, 30), (-38, 30)):
            solid.ball(self.white, 5.2, (x, y, 7.2), sides=24)
            for k in range(8):
                a = k * math.pi / 4
                solid.tube(
                    self.grey,
                    (x + 4.6 * math.cos(a), y + 4.6 * math.sin(a), 0),
                    (x + 4.9 * math.cos(a), y + 4.9 * math.sin(a), 7.2),
                    0.2,
                )
            solid.tube(self.grey, (x - 4, y - 4, 1.2), (math.copysign(6, x), 4, 1.2), 0.25)

    def _floodlights(self, solid: Solid) -> None:
        stage = self.stage
        lamp = stage.plain("flood", (1.0, 0.95, 0.85), glow=1.0 if self.launch else 22.0)
        for x, y in ((24, 20), (-24, 20), (24, -14), (-24, -20)):
            for dx, dy in ((-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)):
                solid.tube(
                    self.grey, (x + dx, y + dy, 0), (x + dx * 0.4, y + dy * 0.4, 22), 0.09, sides=5
                )
            for z in range(2, 22, 3):
                solid.tube(
                    self.grey, (x - 0.7, y - 0.7, z), (x + 0.6, y + 0.6, z + 2.6), 0.05, sides=4
                )
                solid.tube(
                    self.grey, (x + 0.7, y - 0.7, z), (x - 0.6, y + 0.6, z + 2.6), 0.05, sides=4
                )
            for k in range(-1, 2):
                for j in (0, 1):
                    solid.box(lamp, (0.9, 0.9, 0.8), (x + k * 1.1, y, 21.5 + j))
            if not self.launch:
                stage.lamp((x * 0.85, y * 0.85, 20), 7000, (1.0, 0.93, 0.8), radius=1.2)

    def _fence(self, solid: Solid) -> None:
        for k in range(40):
            a = k * math.pi / 20
            x, y = 60 * math.cos(a), 55 * math.sin(a)
            solid.tube(self.grey, (x, y, 0), (x, y, 2.6), 0.06, sides=5)
            b = a + math.pi / 20
            for z in (0.9, 1.7, 2.5):
                if abs(x) > 8 and not (x > 0 and abs(y + 20) < 9):
                    solid.tube(
                        self.grey, (x, y, z), (60 * math.cos(b), 55 * math.sin(b), z), 0.02, sides=4
                    )

    def _markings(self, solid: Solid) -> None:
        stage = self.stage
        yellow = stage.material(
            "marking", tx.mottled((0.62, 0.48, 0.08), (0.85, 0.68, 0.15), 11, beta=0.8), 2.0
        )
        for k in range(22):
            solid.box(yellow, (0.3, 3.0, 0.02), (0, -24 - k * 6, 0.145))
            solid.box(yellow, (3.0, 0.3, 0.02), (24 + k * 7, -20, 0.135))
        for k in range(32):
            a = k * math.pi / 16
            solid.box(
                yellow,
                (1.8, 0.5, 0.02),
                (19 * math.cos(a), 17 * math.sin(a), 0.31),
                turn=a + math.pi / 2,
            )

    def tower(self) -> None:
        stage, solid = self.stage, Solid()
        x0, top, half = -10.0, 46.0, 2.6
        legs = ((-half, -half), (half, -half), (half, half), (-half, half))
        for dx, dy in legs:
            solid.tube(self.red, (x0 + dx, dy, PAD), (x0 + dx, dy, top), 0.24, sides=6)
        for level in range(12):
            z = PAD + level * 3.5
            solid.box(self.grey, (6.2, 6.2, 0.15), (x0, 0, z + 3.4))
            for (ax, ay), (bx, by) in zip(legs, (*legs[1:], legs[0]), strict=True):
                solid.tube(self.red, (x0 + ax, ay, z), (x0 + bx, by, z + 3.5), 0.12, sides=5)
                solid.tube(self.red, (x0 + bx, by, z), (x0 + ax, ay, z + 3.5), 0.12, sides=5)
            solid.box(self.grey, (1.8, 1.8, 3.4), (x0 - 0.6, 0.4, z))
        for k in range(8):
            solid.tube(
                self.red,
                (x0 - 1 + k * 0.2, 0, top + k * 1.6),
                (x0 - 0.8 + k * 0.2, 0, top + 1.6 + k * 1.6),
                0.5 - 0.05 * k,
                sides=5,
            )
        beacon = stage.plain("beacon", (1.0, 0.1, 0.05), glow=14)
        solid.ball(beacon, 0.4, (x0 + 0.6, 0, top + 13))
        stage.place(solid, "tower")
        for z, retract in ((17.0, 1.0), (27.0, 0.6), (37.0, 0.2)):
            arm = Solid()
            arm.box(self.red, (6.0, 1.2, 0.2), (3.0, 0, 0))
            arm.box(self.red, (6.0, 1.2, 0.15), (3.0, 0, 1.5))
            for k in range(6):
                arm.tube(self.red, (k, -0.6, 0.1), (k + 1, -0.6, 1.5), 0.06, sides=4)
                arm.tube(self.red, (k, 0.6, 1.5), (k + 1, 0.6, 0.1), 0.06, sides=4)
            arm.box(self.grey, (1.2, 2.0, 2.0), (6.0, 0, -0.2))
            pivot = stage.place(arm, "arm", (x0 + 2.6, 0, z))

            def swing(t: float, p: Any = pivot, late: float = retract) -> None:
                open_ = smooth((t - 7.4 - late) / 3.0) if self.launch else 1.0
                p.rotation_euler = (0, 0, 1.75 * open_)

            stage.every_frame(swing)

    def base(self) -> None:
        stage, solid, rng = self.stage, Solid(), np.random.default_rng(12)
        image, light = tx.facade(
            tx.sheet((0.74, 0.72, 0.66), 15, ribs=24, rust=0.1),
            16,
            columns=6,
            floors=2,
            lit=0.2 if self.launch else 0.8,
            wide=0.7,
            tall=0.4,
        )
        office = stage.material(
            "office", image, 16.0, glass=light, glow=0.4 if self.launch else 2.5
        )
        hangar = stage.material("hangar", tx.sheet((0.56, 0.62, 0.66), 17, ribs=20, rust=0.2), 10.0)
        solid.box(hangar, (34, 40, 26), (0, -188, 0))
        solid.box(self.white, (35, 41, 2.5), (0, -188, 26))
        solid.box(self.dark, (13, 0.5, 22), (0, -167.9, 0))
        stage.text("ASTRA", self.dark, (0, -167.6, 24), 3.2, turn=math.pi)
        for x, y, w, d, h in (
            (40, -120, 46, 14, 8),
            (-44, -110, 36, 16, 8),
            (56, -85, 18, 12, 5),
            (-62, -82, 16, 22, 6),
            (78, -40, 20, 12, 5),
            (86, 10, 14, 14, 5),
        ):
            solid.box(office, (w, d, h), (x, y, 0))
            solid.box(self.white, (w + 0.6, d + 0.6, 0.6), (x, y, h))
            for _ in range(4):
                solid.box(
                    self.grey,
                    (2.2, 1.6, 1.3),
                    (x + rng.uniform(-0.4, 0.4) * w, y + rng.uniform(-0.3, 0.3) * d, h + 0.6),
                )
        solid.lathe(
            self.white, [(0.3, 4.2), (1.5, 4.8), (3.0, 6.2), (3.8, 8.0)], (88, -62, 1.5), 20
        )
        solid.tube(self.grey, (88, -62, 0), (88, -62, 6), 0.5)
        solid.tube(self.grey, (88, -62, 6), (88, -62, 10), 0.08)
        stage.place(solid, "base")

    def build_rocket(self) -> Any:
        stage, solid = self.stage, Solid()
        black = stage.plain("black", (0.06, 0.06, 0.07), rough=0.4)
        orange = stage.material(
            "tank",
            tx.mottled((0.60, 0.26, 0.08), (0.82, 0.42, 0.16), 20, grain=0.5),
            3.0,
            follow=True,
        )
        skin = self.white
        solid.lathe(skin, [(1.9, 1.6), (1.9, 12)], (0, 0, 0), 28)
        solid.lathe(black, [(1.91, 12), (1.91, 13.4)], (0, 0, 0), 28)
        solid.lathe(orange, [(1.9, 13.4), (1.9, 22)], (0, 0, 0), 28)
        solid.lathe(black, [(1.91, 22), (1.6, 23.4)], (0, 0, 0), 28)
        solid.lathe(
            skin,
            [(1.6, 23.4), (1.6, 30), (2.0, 31), (2.0, 34.5), (1.5, 37), (0.7, 39), (0, 40)],
            (0, 0, 0),
            28,
        )
        for k in range(4):
            a = k * math.pi / 2 + math.pi / 4
            x, y = 2.75 * math.cos(a), 2.75 * math.sin(a)
            solid.lathe(skin, [(0.85, 1.4), (0.85, 14), (0.5, 16.5), (0, 17.6)], (x, y, 0), 16)
            solid.lathe(black, [(0.86, 6), (0.86, 7)], (x, y, 0), 16)
            solid.lathe(self.grey, [(0.4, 1.5), (0.75, 0.2)], (x, y, 0), 14)
            solid.box(
                black, (0.18, 1.6, 3.2), (x * 1.35, y * 1.35, 1.2), turn=a + math.pi / 2, taper=0.5
            )
        for k in range(5):
            a = k * 2 * math.pi / 5
            solid.lathe(
                self.grey,
                [(0.4, 1.7), (0.62, 0.4)],
                (1.05 * math.cos(a), 1.05 * math.sin(a), 0),
                14,
            )
        rocket = stage.place(solid, "rocket", (0, 0, PAD))
        for turn, z in ((0.0, 18.0), (math.pi, 18.0)):
            words = stage.text(
                "ASTRA", self.white, (0, -1.93 if not turn else 1.93, z), 1.25, turn=turn
            )
            words.parent = rocket
        blue = stage.plain("stripe", (0.08, 0.2, 0.5), rough=0.4)
        band = Solid()
        band.lathe(blue, [(1.61, 25.5), (1.61, 27.2)], (0, 0, 0), 28)
        stage.place(band, "band", parent=rocket)
        return rocket

    def fly(self) -> None:
        stage, rocket = self.stage, self.rocket
        flame = stage.vapour("flame", (1.0, 0.42, 0.08), 0.8, glow=8)
        core = stage.vapour("core", (1.0, 0.86, 0.55), 0.95, glow=20)
        tongues = self._flames(flame, core)
        glow = stage.lamp((0, 0, 2), 0.0, (1.0, 0.6, 0.25), radius=2.5)

        def go(t: float) -> None:
            drift, up, lean = flight(t)
            shake = 0.03 if t > IGNITION else 0.0
            rocket.location = (drift + wobble(t, 1, shake, 12), wobble(t, 5, shake, 12), PAD + up)
            rocket.rotation_euler = (0, lean, 0.05 * max(t - LIFT_OFF, 0))
            power = smooth((t - IGNITION) / 1.2)
            for k, tongue in enumerate(tongues):
                stretch = (
                    power * (1 + 0.25 * smooth((t - LIFT_OFF) / 3)) * (1 + wobble(t, k, 0.18, 14))
                )
                tongue.scale = (max(power, 1e-4), max(power, 1e-4), max(stretch, 1e-4))
            glow.location = (drift, -3.0, max(PAD + up - 5, 1.0))
            glow.data.energy = 60000 * power * (1 + wobble(t, 9, 0.2, 13))

        stage.every_frame(go)
        self._steam()
        rng = np.random.default_rng(6)
        puffs = self._puffs(rng)
        self._clouds(puffs, rng)
        self._trail(puffs, rng)

    def _flames(self, flame: Any, core: Any) -> list[Any]:
        stage, rocket = self.stage, self.rocket
        tongues = []
        for k in range(5):
            a = k * math.pi / 2 + math.pi / 4
            x, y = (2.75 * math.cos(a), 2.75 * math.sin(a)) if k < 4 else (0.0, 0.0)
            for material, width in ((flame, 1.0), (core, 0.55)):
                solid = Solid()
                big = 1.25 if k < 4 else 1.9
                solid.lathe(
                    material,
                    [
                        (0.6 * width * big, 0),
                        (0.95 * width * big, -2.4),
                        (0.6 * width * big, -7),
                        (0, -13),
                    ],
                    (0, 0, 0),
                    14,
                )
                tongues.append(stage.place(solid, "flame", (x, y, 0.3), parent=rocket))
        return tongues

    def _steam(self) -> None:
        stage = self.stage
        steam = stage.vapour("steam", (0.92, 0.93, 0.95), 0.30, glow=0.25)
        for k, (x, z) in enumerate(((2.1, 17.0), (2.1, 26.5), (-2.0, 30))):
            stage.plume(
                steam,
                (x, -0.6, PAD + z),
                count=6,
                life=3.4,
                rise=-0.5,
                drift=(1.1, -0.5),
                size=(0.25, 1.3),
                seed=k,
                dies=LIFT_OFF,
            )

    def _puffs(self, rng: np.random.Generator) -> list[Any]:
        """Four shapes of a cloud."""
        stage = self.stage
        white = stage.material(
            "cloud",
            tx.mottled((0.66, 0.62, 0.58), (0.95, 0.93, 0.90), 30, beta=1.6),
            5.0,
            follow=True,
            rough=1.0,
            bump=1.0,
        )
        puffs: list[Any] = []
        for k in range(4):
            solid = Solid()
            for j in range(5):
                solid.ball(
                    white,
                    0.62,
                    (rng.normal(0, 0.42), rng.normal(0, 0.42), rng.normal(0, 0.3)),
                    rough=0.4,
                    seed=k * 7 + j,
                    sides=14,
                )
            puffs.append(solid.mesh("cloud"))
        return puffs

    def _clouds(self, puffs: Sequence[Any], rng: np.random.Generator) -> None:
        """Exhaust clouds that roll away on both sides of the pad."""
        stage = self.stage
        for index in range(110):
            puff = stage.place(puffs[index % 4], "cloud")
            born = IGNITION + 0.2 + 7.0 * (index / 110) ** 1.2
            side = 1 if index % 2 else -1
            spread, speed = rng.normal(0, 0.5), rng.uniform(5.5, 11)
            spin, size, climb = rng.uniform(-0.3, 0.3), rng.uniform(2.2, 4.6), rng.uniform(0.4, 1.9)

            def billow(
                t: float,
                p: Any = puff,
                b: float = born,
                s: float = side,
                w: float = spread,
                v: float = speed,
                r: float = size,
                c: float = climb,
                q: float = spin,
            ) -> None:
                age = t - b
                if age <= 0:
                    p.scale = (0, 0, 0)
                    return
                reach = v * 3.2 * (1 - math.exp(-age / 3.2))
                p.location = (
                    w * (2 + reach * 0.55),
                    s * (5 + reach),
                    1.2 + c * age**1.1 + r * 0.3 * smooth(age / 3),
                )
                grow = r * (0.25 + 0.75 * smooth(age / 4.5)) * (1 + 0.05 * age)
                p.scale = (grow, grow, grow * 0.9)
                p.rotation_euler = (q * age, q * age * 1.3, age * q + w)

            stage.every_frame(billow)

    def _trail(self, puffs: Sequence[Any], rng: np.random.Generator) -> None:
        stage = self.stage
        for index in range(120):  # the trail under the rocket
            puff = stage.place(puffs[index % 4], "trail")
            born = LIFT_OFF + 0.4 + 9 * math.sqrt(index / 120)  # evenly spread over the height
            dx, dy, size = rng.normal(0, 0.8), rng.normal(0, 0.8), rng.uniform(1.5, 2.3)

            def trail(
                t: float,
                p: Any = puff,
                b: float = born,
                x: float = dx,
                y: float = dy,
                r: float = size,
            ) -> None:
                age = t - b
                if age <= 0:
                    p.scale = (0, 0, 0)
                    return
                drift, up, _ = flight(b)
                grow = r * (0.7 + 1.1 * smooth(age / 4))
                p.scale = (grow, grow, grow)
                p.location = (
                    drift + x * (1 + 0.4 * age),
                    y * (1 + 0.4 * age),
                    max(PAD + up - 13 - 1.2 * age, 2),
                )
                p.rotation_euler = (age * 0.2, x, y + age * 0.1)

            stage.every_frame(trail)

    def roll_out(self) -> None:
        stage, solid = self.stage, Solid()
        solid.box(self.grey, (13, 15, 1.6), (0, 0, 2.2))
        solid.box(self.red, (11, 13, 0.7), (0, 0, 3.8))
        lamp = stage.plain("work lamp", (1, 0.9, 0.6), glow=12)
        for x in (-5.2, 5.2):
            for y in (-5.4, 5.4):
                solid.profile(
                    self.dark,
                    [
                        (-2.6, 0.5),
                        (-2.0, 0.0),
                        (2.0, 0.0),
                        (2.6, 0.5),
                        (2.6, 1.2),
                        (2.0, 1.9),
                        (-2.0, 1.9),
                        (-2.6, 1.2),
                    ],
                    2.6,
                    (y, x, 0),
                )
                solid.ball(lamp, 0.3, (x * 1.2, y * 1.25, 4.7))
        for side in (-1, 1):
            for k in range(9):
                solid.tube(
                    self.grey,
                    (side * 6.4, -7 + k * 1.75, 3.8),
                    (side * 6.4, -7 + k * 1.75, 4.9),
                    0.05,
                    sides=4,
                )
            solid.tube(self.grey, (side * 6.4, -7, 4.9), (side * 6.4, 7, 4.9), 0.05, sides=4)
        crawler = stage.place(solid, "crawler")
        stage.lamp((0, 0, 0), 900, (1, 0.85, 0.6)).parent = crawler
        rocket = self.rocket

        def creep(t: float) -> None:
            y = -58 + 1.5 * t
            crawler.location = (0, y, 0.15)
            rocket.location = (0, y, 4.6 + wobble(t, 2, 0.02))
            rocket.rotation_euler = (wobble(t, 3, 0.004), wobble(t, 4, 0.004), 0.8)

        stage.every_frame(creep)
        dust = stage.vapour("dust", (0.66, 0.48, 0.36), 0.14, glow=0.06)
        for side in (-6, 6):
            stage.plume(
                dust,
                (side, -50, 0.4),
                count=8,
                life=6,
                rise=0.5,
                drift=(side * 0.12, -0.5),
                size=(0.5, 2.6),
                seed=side + 9,
            )

    def people_and_cars(self) -> None:
        stage = self.stage
        team = Wardrobe(stage, 8 if self.launch else 28)
        if self.launch:
            self._departing(team)
        else:
            self._rolling_out(team)

    def _rolling_out(self, team: Wardrobe) -> None:
        stage = self.stage
        for k in range(10):
            x = (-1) ** k * (9.5 + 0.6 * (k % 3))
            team.walk(
                team.person(coat=VEST, hat=HELMET),
                Route([(x, -70, 0.1), (x, -30, 0.1), (x * 0.9, -16, 0.3)]),
                pace=1.45,
                start=4.0 + 1.6 * k,
            )
        for k, start in enumerate((2, 14)):
            drive(
                stage,
                car(stage, ((0.85, 0.62, 0.12), (0.85, 0.85, 0.83))[k], van=k == 1, lamps=8),
                Route(
                    [
                        (16, -100, 0.1),
                        (15, -60, 0.1),
                        (17, -22, 0.3),
                        (30, -20, 0.3),
                        (90, -21, 0.1),
                    ]
                ),
                pace=2.6,
                start=start,
            )
        for k in range(6):
            team.stand(
                team.person(coat=VEST, hat=HELMET), (-14 + 1.6 * k, -21.5 - k % 2, 0.3), -1.6
            )
        parked = car(stage, (0.2, 0.3, 0.5), van=True, lamps=2)
        parked.location, parked.rotation_euler = (14, -12, 0.3), (0, 0, 2.6)

    def _departing(self, team: Wardrobe) -> None:
        stage = self.stage
        leave = Route([(12, -14, 0.3), (22, -19, 0.3), (40, -21.5, 0.14), (160, -21.5, 0.14)])
        for k, start in enumerate((16, 8, 1)):
            drive(
                stage,
                car(
                    stage,
                    ((0.85, 0.85, 0.83), (0.75, 0.15, 0.1), (0.8, 0.62, 0.12))[k],
                    van=k != 1,
                    lamps=2,
                ),
                leave,
                pace=7.0,
                start=start,
                leave=0.5 + k * 0.3,
            )
        for k in range(9):
            x, y = 38 + 2.3 * k + (k % 2), -34 - (k % 3) * 1.3
            team.stand(team.person(hat=HELMET if k % 2 else None), (x, y, 0.15), 2.45)
        for k in range(3):
            team.walk(
                team.person(coat=VEST, hat=HELMET),
                Route([(14 + k, -16, 0.3), (30, -26, 0.15), (42 + 2 * k, -33, 0.15)]),
                pace=2.2,
                start=2.0 * k,
            )
        flock(stage, (20, 10, 16), count=9, spread=26, seed=4, color=(0.12, 0.1, 0.1))


def build(take: str) -> Stage:
    return Launch(take).stage


_TIP: Point = (-2, 0, 17)
TAKES = ("launch", "rollout")
ANCHOR = (
    Shot(
        "countdown",
        "launch",
        0,
        7.5,
        (Key((40, -46, 4.0), (2, 0, 17), 27), Key((34, -44, 6.5), (0, 0, 18), 27)),
    ),
    Shot(
        "ignition",
        "launch",
        7.5,
        5.5,
        (Key((19, -27, 3.2), (-1, 0, 10), 25), Key((20, -29, 3.4), (-1, 0, 14), 25)),
        hand=0.3,
    ),
    Shot(
        "ascent",
        "launch",
        13,
        7.5,
        (
            Key((62, -66, 6), (0, 0, 22), 28),
            Key((63, -67, 6), (1, 0, 42), 25),
            Key((64, -68, 6), (4, 0, 84), 20),
        ),
    ),
)
EXTRA = (
    Shot(
        "crew",
        "launch",
        -8,
        5.0,
        (Key((58, -41, 3.2), (30, -22, 7), 30), Key((55, -42, 2.8), (24, -18, 9), 30)),
    ),
    Shot(
        "smoke",
        "launch",
        19,
        4.5,
        (Key((-52, -50, 14), (0, 4, 12), 28), Key((-48, -54, 16), (0, 4, 14), 28)),
    ),
)
COMPLEMENT = (
    Shot(
        "west camera",
        "launch",
        2,
        16.0,
        (
            Key((-38, -45, 8), (-2, 0, 18), 25),
            Key((-41, -48, 9), (-2, 0, 20), 25),
            Key((-46, -54, 10), (0, 2, 44), 24),
        ),
    ),
)
INCIDENT = (
    Shot(
        "rollout",
        "rollout",
        0,
        8.0,
        (Key((33, -36, 3.6), (0, -54, 15), 25), Key((35, -30, 5.0), (-1, -46, 16), 25)),
    ),
    Shot(
        "dawn pad",
        "rollout",
        9,
        8.0,
        (Key((-22, -66, 9), (0, -18, 14), 26), Key((-26, -64, 13), (0, -14, 15), 26)),
    ),
)
