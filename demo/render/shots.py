"""Camera paths and shots, as plain records."""

from dataclasses import dataclass

from stage import Point, Stage, mix, smooth, wobble


@dataclass(frozen=True)
class Key:
    """Where the camera is, what it looks at, and its focal length in millimetres."""

    eye: Point
    target: Point
    lens: float = 32.0


@dataclass(frozen=True)
class Shot:
    """One uncut piece: a take from `start` for `seconds`, the camera moving from key to key."""

    name: str
    take: str
    start: float
    seconds: float
    keys: tuple[Key, ...]
    hand: float = 0.15  # how unsteady the camera is, metres at the target per 10 m

    def aim(self, stage: Stage, t: float) -> None:
        """Put the camera where it is at scene time `t`."""
        share = min(max((t - self.start) / self.seconds, 0.0), 1.0) * (len(self.keys) - 1)
        index = min(int(share), len(self.keys) - 2) if len(self.keys) > 1 else 0
        a, b = self.keys[index], self.keys[min(index + 1, len(self.keys) - 1)]
        # Ease only at the two ends, so that the camera does not stop at every key.
        x = smooth(share - index) if len(self.keys) == 2 else share - index
        eye, target = mix(a.eye, b.eye, x), mix(a.target, b.target, x)
        far = sum((p - q) ** 2 for p, q in zip(eye, target, strict=True)) ** 0.5
        sway = self.hand * far / 10
        seed = float(sum(map(ord, self.name)))
        target = (
            target[0] + wobble(t, seed, sway),
            target[1] + wobble(t, seed + 5, sway),
            target[2] + wobble(t, seed + 9, sway * 0.6),
        )
        stage.look(
            eye, target, a.lens + (b.lens - a.lens) * x, wobble(t, seed + 3, 0.02 * self.hand)
        )
