"""`python -m visil_dash`."""

import sys

from visil_dash.cli import main

sys.exit(main())
