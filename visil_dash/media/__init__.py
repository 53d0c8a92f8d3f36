"""Video decoding: each file is opened by one confined, short-lived child process.

    files.py         identifies a file before any decoder sees it; walks folders; content hash
    decode.py        sample_frames, frames_at: the entry points for the rest of visil_dash
    preview.py       poster, film strip, preview that a browser can play
    outcome.py       how decoding ended: ok, partial (how much), refused (why)
    process.py       starts, supervises and stops the child process
    wire.py          the messages between parent and child; the only shared module
    child.py         entry point of the child: confine, open, do one task
    confinement.py   resource limits, namespaces, system call filter, set by the child
    opening.py       opens FFmpeg with allow-lists and checks headers
    timeline.py      frames on one presentation timeline
    pictures.py      frames as pixels: size, colour, rotation
    structure.py     whether the file is complete
    times.py         clocks without their jumps, and which frames are on screen at regular times
    tasks.py         the child's tasks: sample, fetch frames, make a preview
    encoding.py      encodes the preview
    reporting.py     the child's messages to the parent
    dependencies.py  the versions of dependencies that are required to start

The child process imports only the standard library and PyAV.
"""
