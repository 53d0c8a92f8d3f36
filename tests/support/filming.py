"""Short films of known truth: things that move in front of a still background.

`film` with another `take` is the same place by the same camera at another time: all that differs is
what moves. Edits are made on frames, so that the truth is exact.
"""

import av
import cv2
import numpy as np

FPS = 20
SIZE = 320, 180  # width, height


def background(place):
    """A textured still picture, uint8 `[h, w, 3]`."""
    rng = np.random.default_rng(place)
    width, height = SIZE
    coarse = cv2.resize(rng.uniform(40, 200, (6, 10, 3)).astype(np.float32), SIZE)
    fine = cv2.GaussianBlur(rng.uniform(-70, 70, (height, width, 1)).astype(np.float32), (0, 0), 1)
    picture = coarse + fine[..., None] * 2
    for _ in range(12):
        x, y = rng.integers(0, width - 30), rng.integers(0, height - 20)
        colour = rng.uniform(20, 235, 3).tolist()
        cv2.rectangle(picture, (int(x), int(y)), (int(x) + 28, int(y) + 18), colour, -1)
    return np.clip(picture, 0, 255).astype(np.uint8)


def film(place, take, seconds):
    """Frames at FPS: five discs on smooth random ways, over the background of the place."""
    rng = np.random.default_rng(1000 * place + take)
    count = round(seconds * FPS)
    knots = np.linspace(0, count, max(4, round(seconds) + 1))
    ways = [
        [np.interp(np.arange(count), knots, rng.uniform(0, side, len(knots))) for side in SIZE]
        for _ in range(5)
    ]
    colours = rng.uniform(0, 255, (5, 3)).tolist()
    still = background(place)
    frames = []
    for k in range(count):
        frame = still.copy()
        for (x, y), colour in zip(ways, colours, strict=True):
            cv2.circle(frame, (round(x[k]), round(y[k])), 14, colour, -1)
        frames.append(frame)
    return frames


def specks(place, take, seconds):
    """Frames at FPS: things of two pixels on random ways, over the background of the place."""
    rng = np.random.default_rng(1000 * place + take)
    side, count = 2, 14
    room = np.array(SIZE) - side
    at, way = rng.uniform((0, 0), room, (count, 2)), rng.uniform(0, 2 * np.pi, count)
    still = background(place).astype(np.int16)
    frames = []
    for _ in range(round(seconds * FPS)):
        way = way + rng.normal(0, 0.25, count)
        at = (at + 0.35 * np.c_[np.cos(way), np.sin(way)]) % room
        frame = still.copy()
        for x, y in at.astype(int):
            frame[y : y + side, x : x + side] += 30
        frames.append(np.clip(frame, 0, 255).astype(np.uint8))
    return frames


def write_film(path, frames, *, fps=FPS, crf="24"):
    height, width = frames[0].shape[:2]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": crf})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for picture in frames:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def cropped(frames, box):
    """The box (shares) of each frame, enlarged to the whole."""
    width, height = SIZE
    x, y, w, h = box
    left, top = round(x * width), round(y * height)
    right, bottom = round((x + w) * width), round((y + h) * height)
    return [cv2.resize(f[top:bottom, left:right], SIZE) for f in frames]


def inset(frames, others, box):
    """Each frame shrunk into the box (shares) of another frame."""
    width, height = SIZE
    x, y, w, h = box
    left, top, wide, high = (
        round(x * width),
        round(y * height),
        round(w * width),
        round(h * height),
    )
    made = []
    for frame, other in zip(frames, others, strict=True):
        picture = other.copy()
        picture[top : top + high, left : left + wide] = cv2.resize(
            frame, (wide, high), interpolation=cv2.INTER_AREA
        )
        made.append(picture)
    return made


def wandering(frames, others, share):
    """Each frame shrunk to a share of either side, on its way through the other frames' picture."""
    room, made = 1 - share, []
    for k, (frame, other) in enumerate(zip(frames, others, strict=True)):
        x, y = (
            room * abs((start + pace * k / FPS) % 2 - 1)
            for start, pace in ((0.3, 0.2), (0.8, 0.11))
        )
        made += inset([frame], [other], (x, y, share, share))
    return made


def mirrored(frames):
    return [f[:, ::-1] for f in frames]


def shaken(frames, *, pixels=5):
    """Each frame moved by up to so many pixels, another way each time: held by a hand."""
    rng = np.random.default_rng(0)
    made = []
    for frame in frames:
        shift = np.float32([[1, 0, rng.uniform(-pixels, pixels)], [0, 1, rng.uniform(-pixels, 0)]])
        made.append(cv2.warpAffine(frame, shift, SIZE, borderMode=cv2.BORDER_REPLICATE))
    return made


def letterboxed(frames):
    """Shrunk to three quarters of the height between black bars."""
    width, height = SIZE
    made = []
    for frame in frames:
        picture = np.zeros_like(frame)
        high = round(0.75 * height)
        top = (height - high) // 2
        picture[top : top + high] = cv2.resize(frame, (width, high))
        made.append(picture)
    return made


def with_logo(frames):
    """A white and black sign in the top left corner."""
    made = []
    for frame in frames:
        picture = frame.copy()
        picture[8:44, 8:72] = 245
        picture[16:36, 16:64:8] = 0
        made.append(picture)
    return made


def slide(words, *, size=(640, 360)):
    """A white page with lines of text-like marks drawn from the seed `words`."""
    rng = np.random.default_rng(words)
    picture = np.full((size[1], size[0], 3), 250, np.uint8)
    cv2.rectangle(picture, (0, 0), (size[0], 40), (40, 60, 120), -1)
    for row in range(7):
        x = 40
        for _ in range(9):
            text = "".join(rng.choice(list("abcdefghkmnoprstuvwxyz"), rng.integers(2, 7)))
            cv2.putText(
                picture, text, (x, 85 + 38 * row), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (20, 20, 20), 1
            )
            x += 14 + 11 * len(text)
            if x > size[0] - 90:
                break
    return picture
