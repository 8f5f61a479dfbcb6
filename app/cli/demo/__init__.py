"""``tocsin demo``: a recorded storm through the real service, over HTTP, and the books at the end."""

from app.cli.demo.run import run_demo as run_demo
