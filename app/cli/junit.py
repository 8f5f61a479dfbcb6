"""Results of tests as JUnit's XML, which every CI reads."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from junitparser import Failure as JUnitFailure
from junitparser import JUnitXml, TestCase, TestSuite

from app.cli.testing import failure_lines
from app.rehearsal.playing import Result


def write_junit(file: Path, results: list[Result]) -> None:
    """Write a suite for each file of tests.

    Raises:
        OSError: it cannot be written.
    """
    report = JUnitXml("tocsin test")
    for name, group in groupby(results, key=lambda result: result.case.file):
        suite = TestSuite(name)
        suite.add_testcases([_case(result) for result in group])
        report.add_testsuite(suite)
    report.update_statistics()  # type: ignore[no-untyped-call] # the library has no word on it
    report.write(str(file), pretty=True)


def _case(result: Result) -> TestCase:
    case = TestCase(result.case.test.name, classname=result.case.file)
    if result.failures:
        first = result.failures[0]
        failure = JUnitFailure(f"{first.file}:{first.line}: {first.title}")
        failure.text = "\n".join(line for each in result.failures for line in failure_lines(each))
        case.result = [failure]
    return case
