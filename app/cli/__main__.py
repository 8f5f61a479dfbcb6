"""``python -m app.cli`` is ``tocsin``."""

from app.cli import main

main()
