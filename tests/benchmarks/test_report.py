"""The table says what was measured, beside what was asked for, and does not hide what went wrong."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.measure import Phase
from benchmarks.report import Cell, Sample, page, table

PHASE = Phase(
    alerts=50_000,
    accepted_per_second=40_000,
    committed_per_second=31_000,
    post_p50_ms=3,
    post_p99_ms=20,
    ticket_p50_ms=15,
    ticket_p99_ms=40,
    tickets_seen=1,
    cpu_per_1000=0.05,
    generator_us_per_post=14,
    accounted=True,
    statuses={202: 2_500},
)
SAMPLE = Sample(
    Cell("embedded", "storm", 20), full=PHASE, half=PHASE, peak_mb=90, doubles=0, bare_us=62, write_ms=4
)


def row(*samples: Sample) -> str:
    return table(samples).splitlines()[2]


def test_a_target_that_is_reached_stands_beside_the_figure():
    assert "| **31,000** ✓ ≥ 30,000 |" in row(SAMPLE)
    assert row(SAMPLE).endswith("| yes |")


def test_a_target_that_is_missed_is_said_to_be():
    slow = replace(SAMPLE, full=replace(PHASE, committed_per_second=29_000))

    assert "| **29,000** ✗ ≥ 30,000 |" in row(slow)


def test_a_rate_is_scaled_by_the_cost_of_a_bare_post_and_is_not_judged():
    """Twice the cost of a bare POST makes twice the rate, as a share of the target."""
    assert "| 62 (31) | *62,000* (207% of 30,000) |" in row(SAMPLE)


def test_repeats_become_a_median_with_its_spread():
    samples = [
        replace(SAMPLE, full=replace(PHASE, committed_per_second=rate)) for rate in (33_000, 29_000, 31_000)
    ]

    assert "| **31,000** [29,000-33,000] ✓ ≥ 30,000 |" in row(*samples)
    assert len(table(samples).splitlines()) == 3


def test_losses_and_double_tickets_are_not_hidden():
    bad = replace(SAMPLE, half=replace(PHASE, accounted=False, tickets_seen=0.5), doubles=2)

    assert "✗ phases not accounted for: 1, ✗ double tickets: 2, ✗ phases that lack tickets: 1" in row(bad)


def test_memory_has_its_target_only_where_the_alerts_stay_open():
    assert "< 300 |" not in row(SAMPLE)
    assert "**90** ✓ < 300 |" in row(replace(SAMPLE, cell=Cell("scale-out", "distinct", 1)))


def test_the_page_says_on_what_machine_and_how_to_repeat():
    text = page([SAMPLE], repeats=3)

    assert "3 repeats" in text
    assert "Python 3." in text
    assert "make bench" in text
