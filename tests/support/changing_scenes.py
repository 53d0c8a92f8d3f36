"""Videos of random pictures that change every second, so that time is visible in them."""

import av
import cv2
import numpy as np

RATE = 5


def scenes(seed, seconds):
    """Frames of a drifting random picture that changes every second, so that time is visible."""
    rng = np.random.default_rng(seed)
    frames = []
    for _ in range(seconds):
        picture = cv2.resize(rng.integers(0, 256, (7, 9, 3)).astype(np.uint8), (180, 130))
        frames += [picture[4 * i : 4 * i + 96, 4 * i : 4 * i + 128] for i in range(RATE)]
    return frames


def write(path, frames):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "18"})
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for picture in frames:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
