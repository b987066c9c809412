"""python -m alcd_otb"""

import sys

from alcd_otb.cli import main

sys.exit(main())
