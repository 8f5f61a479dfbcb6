"""What a tree of processes has used, read from /proc."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")


class _Stat(NamedTuple):
    parent: int
    session: int
    ticks: int


def cpu_seconds(*roots: int) -> float:
    """Sum the CPU time of the processes *roots*, their descendants, and the children they have buried."""
    stats = _stats()
    return sum(stats[pid].ticks for pid in _tree(stats, roots)) / _TICKS


def peak_megabytes(*roots: int) -> float:
    """Sum the peak resident memory (VmHWM) of *roots* and their descendants; shared pages count each time."""
    return sum(_peak_kilobytes(pid) for pid in _tree(_stats(), roots)) / 1024


def cpu_model() -> str:
    """Name the processor, as well as the machine tells."""
    lines = (PROC / "cpuinfo").read_text().splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def _tree(stats: dict[int, _Stat], roots: tuple[int, ...]) -> set[int]:
    """Find who belongs to *roots*: by parent, or by session for those whose parent is gone."""
    found = {pid for pid, stat in stats.items() if pid in roots or stat.session in roots}
    while more := {pid for pid, stat in stats.items() if stat.parent in found} - found:
        found |= more
    return found


def _stats() -> dict[int, _Stat]:
    pids = (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())
    return {pid: stat for pid in pids if (stat := _stat(pid))}


def _stat(pid: int) -> _Stat | None:
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:  # it ended while we looked
        return None
    fields = text.rpartition(")")[2].split()  # from the state on: the name before may hold anything
    return _Stat(int(fields[1]), int(fields[3]), sum(map(int, fields[11:15])))


def _peak_kilobytes(pid: int) -> int:
    try:
        lines = (PROC / str(pid) / "status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)
