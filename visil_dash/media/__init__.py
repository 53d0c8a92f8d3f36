"""Video in: every file is opened by one confined, short-lived child process.

    files.py         what a file is before any decoder sees it; walking folders; content hash
    decode.py        sample_frames, frames_at: what the rest of visil_dash calls
    preview.py       poster, film strip, browser-playable preview
    outcome.py       how decoding ended, in words: ok, partial (how much), refused (why)
    process.py       starts, watches and ends the child
    wire.py          the messages between the two; all that both sides import
    child.py         the child's entry: confine, open, do one task
    confinement.py   limits, namespaces and system call filter that the child puts on itself
    opening.py       FFmpeg with allow-lists, headers checked
    timeline.py      frames on one time line
    pictures.py      a frame as pixels: size, colours, turning
    structure.py     is the file whole?
    ticks.py         which frames are on screen at regular moments
    tasks.py         what a child can do: sample, fetch frames, make a preview
    encoding.py      the preview
    reporting.py     messages from the child
    dependencies.py  the versions without which nothing starts

The child imports the standard library and PyAV, nothing else.
"""
