"""People, vehicles, birds and trees that several scenes use."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import textures
from stage import Point, Route, Solid, Stage, wobble
from textures import Color


@dataclass(frozen=True)
class Person:
    """A walking figure 1.75 m tall: a body with swinging limbs."""

    body: Any
    limbs: tuple[Any, Any, Any, Any]  # left leg, right leg, left arm, right arm

    def pose(self, at: Point, heading: float, t: float, pace: float) -> None:
        """Stand at `at`; limbs swing at `pace` metres per second (0: shift weight, gesture)."""
        phase = t * pace * 4.2
        swing = 0.55 * min(pace, 1.6)
        self.body.location = (at[0], at[1], at[2] + 0.035 * abs(math.sin(phase)) * min(pace, 1))
        self.body.rotation_euler = (0, 0, heading)
        idle = 0.0 if pace > 0.05 else 1.0
        left, right, arm_left, arm_right = self.limbs
        left.rotation_euler = (0, -swing * math.sin(phase), 0)
        right.rotation_euler = (0, swing * math.sin(phase), 0)
        arm_left.rotation_euler = (
            0.1,
            swing * 0.8 * math.sin(phase) + idle * wobble(t, at[0], 0.5),
            0,
        )
        arm_right.rotation_euler = (
            -0.1,
            -swing * 0.8 * math.sin(phase) - idle * abs(wobble(t, at[1], 0.9)),
            0,
        )


class Wardrobe:
    """Creates people in different clothes."""

    SKIN = ((0.85, 0.65, 0.52), (0.60, 0.42, 0.30), (0.38, 0.26, 0.19), (0.92, 0.75, 0.63))
    COATS: tuple[Color, ...] = (
        (0.62, 0.15, 0.13),
        (0.14, 0.24, 0.45),
        (0.80, 0.62, 0.20),
        (0.22, 0.38, 0.26),
        (0.55, 0.52, 0.48),
        (0.15, 0.15, 0.17),
        (0.70, 0.40, 0.22),
        (0.45, 0.25, 0.48),
    )
    TROUSERS: tuple[Color, ...] = (
        (0.12, 0.15, 0.25),
        (0.25, 0.22, 0.20),
        (0.40, 0.36, 0.28),
        (0.1, 0.1, 0.1),
    )

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage, self.rng = stage, np.random.default_rng(seed)
        self.skin = [stage.plain(f"skin {i}", c, rough=0.6) for i, c in enumerate(self.SKIN)]
        self.coats = [
            stage.material(
                f"coat {i}",
                textures.mottled(textures.shade(c, 0.7), c, 40 + i, grain=0.6),
                1.2,
                follow=True,
                rough=0.9,
                patchy=0,
            )
            for i, c in enumerate(self.COATS)
        ]
        self.trousers = [
            stage.plain(f"trousers {i}", c, rough=0.9) for i, c in enumerate(self.TROUSERS)
        ]
        self.hair = [
            stage.plain(f"hair {i}", c, rough=0.5)
            for i, c in enumerate(
                ((0.08, 0.05, 0.04), (0.30, 0.18, 0.08), (0.62, 0.48, 0.26), (0.6, 0.6, 0.6))
            )
        ]
        self.shoes = stage.plain("shoes", (0.07, 0.06, 0.06))

    def person(
        self, *, umbrella: Color | None = None, hat: Color | None = None, coat: Color | None = None
    ) -> Person:
        stage, rng = self.stage, self.rng
        skin, hair = self.skin[rng.integers(4)], self.hair[rng.integers(4)]
        cloth, legs = self.coats[rng.integers(8)], self.trousers[rng.integers(4)]
        if coat is not None:
            cloth = stage.plain("coat", coat, rough=0.7)
        solid = Solid()
        solid.lathe(
            cloth,
            [(0.0, 0.80), (0.20, 0.80), (0.18, 1.02), (0.23, 1.38), (0.15, 1.48), (0.0, 1.5)],
            (0, 0, 0),
            10,
        )
        solid.tube(skin, (0, 0, 1.46), (0.01, 0, 1.55), 0.06)
        solid.ball(skin, (0.10, 0.09, 0.125), (0.02, 0, 1.64))
        solid.ball(hair, (0.115, 0.105, 0.12), (-0.015, 0, 1.675))
        if hat is not None:
            felt = stage.plain("hat", hat, rough=0.8)
            solid.lathe(
                felt,
                [(0.0, 0.16), (0.11, 0.15), (0.13, 0.02), (0.22, 0.0), (0.0, -0.01)],
                (0, 0, 1.68),
                10,
            )
        if umbrella is not None:
            silk = stage.plain("umbrella", umbrella, rough=0.35)
            solid.tube(self.shoes, (0.2, -0.2, 1.1), (0.1, -0.05, 2.15), 0.014, sides=5)
            rim = [
                (
                    0.62 * math.cos(k * math.pi / 4) + 0.1,
                    0.62 * math.sin(k * math.pi / 4) - 0.05,
                    1.95,
                )
                for k in range(8)
            ]
            solid.add([*rim, (0.1, -0.05, 2.2)], [(k, (k + 1) % 8, 8) for k in range(8)], silk)
        body = stage.place(solid, "person", scale=float(rng.uniform(0.94, 1.06)))
        limbs = []
        for y in (0.09, -0.09):
            leg = Solid()
            leg.tube(legs, (0, 0, 0), (0, 0, -0.78), 0.095, 0.06)
            leg.box(self.shoes, (0.26, 0.10, 0.09), (0.05, 0, -0.86))
            limbs.append(stage.place(leg, "leg", (0, y, 0.88), parent=body))
        for y in (0.25, -0.25):
            arm = Solid()
            arm.tube(cloth, (0, 0, 0), (0.04, 0, -0.52), 0.065, 0.045)
            arm.ball(skin, 0.05, (0.05, 0, -0.58), sides=8)
            limbs.append(stage.place(arm, "arm", (0, y, 1.40), parent=body))
        return Person(body, (limbs[0], limbs[1], limbs[2], limbs[3]))

    def walk(
        self, person: Person, route: Route, *, pace: float, start: float = 0.0, loop: bool = False
    ) -> None:
        """Send a person along a route; `start` is the distance already walked at t = 0."""

        def step(t: float) -> None:
            distance = start + pace * t
            if loop:
                distance %= route.length
            at, heading = route.at(distance)
            moving = pace if 0 < distance < route.length - 0.01 else 0.0
            person.pose(at, heading, t + start, moving)

        self.stage.every_frame(step)

    def stand(self, person: Person, at: Point, heading: float) -> None:
        self.stage.every_frame(
            lambda t: person.pose(at, heading + wobble(t, at[0], 0.35, 0.6), t, 0.0)
        )


def drive(
    stage: Stage,
    thing: Any,
    route: Route,
    *,
    pace: float,
    start: float = 0.0,
    leave: float = -1000.0,
    arrive: float = 1000.0,
) -> None:
    """Send a vehicle (any object that looks along +x) along a route.

    It stands at `start` metres until `leave` seconds, gathers speed for 2 s, and brakes to a
    halt in the 2 s before `arrive`. Without `leave` it has passed `start` at t = 0.
    """

    def step(t: float) -> None:
        t = min(t, arrive)
        braking = max(t - (arrive - 2.0), 0.0)
        time = t - braking**2 / 4
        if leave > -1000:
            run = max(time - leave, 0.0)
            time = run * run / 4 if run < 2 else run - 1
        at, heading = route.at(start + pace * time)
        thing.location = at
        thing.rotation_euler = (0, 0, heading)

    stage.every_frame(step)


def car(stage: Stage, color: Color, *, lamps: float = 0.0, van: bool = False) -> Any:
    """A car about 4.4 m long that looks along +x."""
    paint = stage.plain("paint", color, rough=0.25, metal=0.15)
    glass = stage.plain("car glass", (0.05, 0.07, 0.09), rough=0.05)
    rubber = stage.plain("rubber", (0.04, 0.04, 0.04), rough=0.9)
    chrome = stage.plain("chrome", (0.75, 0.75, 0.77), rough=0.25, metal=0.9)
    front = stage.plain("head lamp", (1.0, 0.95, 0.82), glow=1.0 + lamps)
    rear = stage.plain("tail lamp", (0.9, 0.05, 0.03), glow=0.3 + lamps * 0.6)
    solid = Solid()
    if van:
        solid.profile(
            paint,
            [
                (-2.5, 0.35),
                (2.5, 0.35),
                (2.55, 0.9),
                (2.3, 1.15),
                (1.7, 2.1),
                (1.4, 2.25),
                (-2.5, 2.25),
            ],
            1.95,
            top=0.9,
        )
        solid.profile(glass, [(1.15, 1.25), (2.22, 1.2), (1.75, 1.95), (1.15, 2.0)], 1.93)
        solid.profile(glass, [(2.26, 1.22), (2.31, 1.22), (1.81, 2.0), (1.76, 2.0)], 1.6)
        ends = 2.52
    else:
        solid.profile(
            paint,
            [
                (-2.15, 0.35),
                (2.1, 0.35),
                (2.2, 0.6),
                (2.1, 0.85),
                (1.1, 1.0),
                (-1.5, 1.05),
                (-2.15, 0.98),
                (-2.25, 0.6),
            ],
            1.8,
            top=0.94,
        )
        solid.profile(
            glass, [(-1.6, 1.0), (1.05, 0.97), (0.35, 1.42), (-1.05, 1.45)], 1.62, top=0.82
        )
        solid.profile(paint, [(-1.15, 1.42), (0.42, 1.39), (0.3, 1.48), (-1.0, 1.5)], 1.38)
        for x in (-0.35, -1.3, 0.75):
            solid.box(paint, (0.09, 1.5, 0.45), (x, 0, 1.0))
        ends = 2.17
    for x in (-1.4, 1.4):
        for y in (-0.86, 0.86):
            solid.tube(rubber, (x, y - 0.1, 0.34), (x, y + 0.1, 0.34), 0.34, sides=14)
            solid.tube(chrome, (x, y * 1.02 - 0.1, 0.34), (x, y * 1.02 + 0.1, 0.34), 0.19, sides=8)
    for y in (-0.62, 0.62):
        solid.box(front, (0.12, 0.34, 0.16), (ends, y, 0.62))
        solid.box(rear, (0.12, 0.34, 0.18), (-ends - 0.04, y, 0.68))
    solid.box(chrome, (0.06, 0.7, 0.12), (ends, 0, 0.48))
    return stage.place(solid, "car")


def flock(
    stage: Stage,
    centre: Point,
    *,
    count: int,
    spread: float,
    seed: int,
    pace: float = 1.0,
    color: Color = (0.9, 0.9, 0.9),
    size: float = 1.0,
) -> None:
    """Birds that circle around a point and beat their wings."""
    rng = np.random.default_rng(seed)
    feather = stage.plain("feather", color, rough=0.8)
    body_solid, wing_solid = Solid(), Solid()
    body_solid.ball(feather, (0.34, 0.09, 0.09), (0, 0, 0), sides=8)
    wing_solid.add(
        [(0.14, 0, 0), (-0.14, 0, 0), (-0.12, 0.75, 0.05), (0.02, 0.72, 0.05)],
        [(0, 1, 2, 3)],
        feather,
    )
    body_mesh, wing_mesh = body_solid.mesh("bird"), wing_solid.mesh("wing")
    for index in range(count):
        body = stage.place(body_mesh, "bird", scale=size)
        left = stage.place(wing_mesh, "wing", parent=body)
        right = stage.place(wing_mesh, "wing", parent=body, scale=(1, -1, 1))
        radius, lift = spread * rng.uniform(0.35, 1.0), rng.uniform(-0.25, 0.25) * spread
        phase, speed, beat = (
            rng.uniform(0, 6.28),
            pace * rng.uniform(7, 10) / radius,
            rng.uniform(7, 10),
        )
        way = 1 if index % 3 else -1

        def fly(
            t: float,
            b: Any = body,
            lw: Any = left,
            rw: Any = right,
            rad: float = radius,
            up: float = lift,
            ph: float = phase,
            w: float = speed * way,
            f: float = beat,
        ) -> None:
            angle = ph + w * t
            b.location = (
                centre[0] + rad * math.cos(angle),
                centre[1] + rad * math.sin(angle),
                centre[2] + up + wobble(t, ph, 1.5),
            )
            b.rotation_euler = (
                0.35 * math.copysign(1, w),
                0,
                angle + math.copysign(math.pi / 2, w),
            )
            flap = 0.55 * math.sin(f * t + ph)
            lw.rotation_euler, rw.rotation_euler = (flap, 0, 0), (-flap, 0, 0)

        stage.every_frame(fly)


def conifer(stage: Stage, name: str, needles: Any, bark: Any, height: float, seed: int) -> Any:
    """A mesh of a spruce: drooping star-shaped tiers around a trunk."""
    rng = np.random.default_rng(seed)
    solid = Solid()
    solid.tube(bark, (0, 0, -0.5), (0, 0, height * 0.9), height * 0.022, 0.02, sides=7)
    tiers = 11
    for tier in range(tiers):
        share = tier / (tiers - 1)
        z, reach = height * (0.14 + 0.82 * share), height * 0.19 * (1 - share) ** 0.85 + 0.12
        points = 14
        verts: list[Point] = [(0, 0, z + height * 0.11)]
        for k in range(points * 2):
            radius = reach * (rng.uniform(0.85, 1.15) if k % 2 else 0.5)
            angle = math.pi * k / points + tier * 0.7
            droop = reach * (0.42 if k % 2 else 0.05) * rng.uniform(0.8, 1.2)
            verts.append((radius * math.cos(angle), radius * math.sin(angle), z - droop))
        faces = [(0, k + 1, (k + 1) % (points * 2) + 1) for k in range(points * 2)]
        solid.add(verts, faces, needles)
    return solid.mesh(name)


def leafy(stage: Stage, name: str, leaves: Any, bark: Any, height: float, seed: int) -> Any:
    """A mesh of a broad-leaved tree: a forked trunk with clumps of foliage."""
    rng = np.random.default_rng(seed)
    solid = Solid()
    fork = height * 0.42
    solid.tube(bark, (0, 0, -0.3), (0, 0, fork), height * 0.035, height * 0.025)
    for index in range(9):
        angle, reach = index * 2.4, height * rng.uniform(0.10, 0.27)
        top = (
            reach * math.cos(angle),
            reach * math.sin(angle),
            fork + height * rng.uniform(0.1, 0.45),
        )
        solid.tube(bark, (0, 0, fork * 0.9), top, height * 0.015, 0.02, sides=5)
        size = height * rng.uniform(0.13, 0.20)
        solid.ball(
            leaves, (size, size, size * 0.8), top, rough=0.35, seed=seed * 50 + index, sides=14
        )
    return solid.mesh(name)
