"""Which part of a picture is the footage, and how the footage lies in another shape of picture."""
