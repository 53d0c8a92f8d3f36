"""Which part of a picture is the footage, and how it lies in another shape of picture."""
