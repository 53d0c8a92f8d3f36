"""visil_dash: find, locate and measure copied footage in a collection of videos."""

import os

__version__ = "0.1.0"

# Idle threads of OpenMP spin unless told not to, and keep those of the other numeric libraries from
# the cores: of 20 frames against 20, a pair took 24 to 29 ms with spinning and 6 to 12 without, on
# two cores with other work. Read when OpenMP starts, hence here.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
