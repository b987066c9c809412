"""Run the command line: ``python -m alcd_otb``."""

import sys

from alcd_otb.cli.main import main

sys.exit(main())
