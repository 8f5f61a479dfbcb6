"""`python -m tests.services install`: what `make services` runs."""

import sys

from tests.services.install import main

if sys.argv[1:] != ["install"]:
    sys.exit("usage: python -m tests.services install")
sys.exit(main())
