"""`make security`: known vulnerabilities of what we use, mistakes in our code, secrets in our files.

Everything it finds is in the reviewed list (reviewed.toml) with a reason, or fails.
"""

import json
import os
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from deploy.pipeline.tools import ROOT, attempt, guarded, path_of, run

CODE = ("src", "deploy")
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-service.lock", "requirements-gateway.lock")
REVIEWED = Path(__file__).with_name("reviewed.toml")
GET = "make security installs it"
RECORDED = re.compile(r"\.lock$|^tests/upgrade/|^tests/golden/|^schemas/|^docs/.*\.svg$")
"""Not searched for secrets: hashes of packages, and recorded exchanges that are full of random ids."""
UNREACHED = re.compile(r"could not be audited|ConnectionError|NameResolutionError|ServiceError|ConnectTimeout", re.I)
"""What pip-audit says then. A package that the service does not know reads alike: in the pipeline both fail."""
NOSEC_WITHOUT_REASON = re.compile(r"#\s*nosec\b(?!\s+B\d+[B\d, ]* - \S)")

Finding = tuple[str, str]
"""A test of bandit (B608) or a kind of secret, and the file where it was found."""


def main(_args: Sequence[str]) -> int:
    """Run all checks; answers 1 when one of them found something."""
    checks = {
        "code": bandit,
        "secrets": secrets,
        "vulnerabilities": vulnerabilities,
    }
    found = 0
    for name, check in checks.items():
        lines = list(check())
        for line in lines:
            print(f"{name}: {line}")
        found += sum(not line.startswith("SKIPPED") for line in lines)
        if not lines:
            print(f"{name}: nothing found")
    return 1 if found else 0


def bandit() -> Iterable[str]:
    """What bandit finds in our code and nobody has looked at yet, and reviews of what is no longer there."""
    program = path_of("bandit", GET)
    done = attempt([program, "--quiet", "--recursive", "--format", "json", *CODE])
    results = json.loads(done.stdout)["results"]
    places = {(one["test_id"], one["filename"]): one for one in results}
    found = Counter((one["test_id"], one["filename"]) for one in results)
    for finding, words in unreviewed(found, {known: n for known, n in reviewed().items() if _of_bandit(known)}):
        one = places.get(finding)
        yield words + (f": {one['issue_text']} (line {one['line_number']})" if one else "")
    yield from without_reason(file for part in CODE for file in (ROOT / part).rglob("*.py"))


def reviewed() -> dict[Finding, int]:
    """How often which finding is known in which file."""
    known = tomllib.loads(REVIEWED.read_text("utf-8"))
    return {(test, file): count for test, review in known.items() for file, count in review["found"].items()}


def unreviewed(found: Mapping[Finding, int], known: Mapping[Finding, int]) -> Iterable[tuple[Finding, str]]:
    """The findings whose number is not the reviewed one: more must be looked at, fewer must leave the list."""
    for finding in sorted({*found, *known}):
        now, then = found.get(finding, 0), known.get(finding, 0)
        if now != then:
            test, file = finding
            yield finding, f"{test} in {file} found {now} times, reviewed {then}; see {REVIEWED.name}"


def without_reason(files: Iterable[Path]) -> Iterable[str]:
    """Lines that silence bandit without naming the test and a reason."""
    for file in files:
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
            if NOSEC_WITHOUT_REASON.search(line):
                yield f"{file}:{number}: say which test is silenced, and why: B603 - the command is ours"


def secrets() -> Iterable[str]:
    """What looks like a secret in a file of the repository, and is not reviewed."""
    files = run([path_of("git", "install it"), "ls-files"]).splitlines()
    places = secret_places([file for file in files if not RECORDED.search(file)], ROOT)
    found = Counter((kind, file) for kind, file, _ in places)
    for finding, words in unreviewed(found, {known: n for known, n in reviewed().items() if not _of_bandit(known)}):
        lines = [str(line) for kind, file, line in places if (kind, file) == finding]
        yield f"{words} (lines {', '.join(lines)})"


def secret_places(files: Sequence[str], root: Path) -> list[tuple[str, str, int]]:
    """What looks like a secret: its kind, the file and the line. Files are told from `root`; others are not looked at.

    Nothing is verified: that would send what was found to strangers, and drop what they don't know.
    """
    program = path_of("detect-secrets", GET)
    told = run([program, "scan", "--no-verify", "--all-files", *files], cwd=root)
    results = json.loads(told)["results"]
    return [(one["type"], file, one["line_number"]) for file, places in sorted(results.items()) for one in places]


def vulnerabilities(required: bool | None = None) -> Iterable[str]:
    """Known vulnerabilities of the locked packages. Where the service that knows them can't be reached: one line that
    begins with SKIPPED; a finding when `required` (AUDIT=required, as in the pipeline)."""
    program = path_of("pip-audit", GET)
    must = os.environ.get("AUDIT") == "required" if required is None else required
    for lock in (lock for lock in LOCKS if (ROOT / lock).exists()):
        done = attempt(
            [program, "--strict", "--disable-pip", "--require-hashes", "--progress-spinner=off", "-r", str(ROOT / lock)]
        )
        if done.returncode == 0:
            continue
        printed = f"{done.stdout}\n{done.stderr}".strip()
        if UNREACHED.search(printed) and "Found " not in printed:
            last = "the service that knows vulnerabilities can't be reached from here"
            yield f"pip-audit: {last}, and it is required" if must else f"SKIPPED pip-audit: {last}"
            return
        yield from (f"{lock}: {line}" for line in printed.splitlines())


def _of_bandit(finding: Finding) -> bool:
    return re.fullmatch(r"B\d+", finding[0]) is not None


if __name__ == "__main__":
    sys.exit(guarded(main))
