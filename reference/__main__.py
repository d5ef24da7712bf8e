"""`python3 -m reference --help`."""

import sys

from reference.cli import main

sys.exit(main())
