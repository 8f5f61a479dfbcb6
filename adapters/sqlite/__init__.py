"""One SQLite file for all that is durable, where no other service is; brokers/ and stores/ build on it."""

from __future__ import annotations

from adapters.sqlite.bulk import Bulk as Bulk
from adapters.sqlite.database import Database as Database
from adapters.sqlite.filelock import FileLock as FileLock
from adapters.sqlite.lanes import Work as Work
