"""`python -m visil_dash`."""

import os
import sys

from visil_dash.cli.main import main

# Read when torch is loaded: threads that wait asleep. Spinning ones cost ten times the work on a
# machine that does anything else besides.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

sys.exit(main())
