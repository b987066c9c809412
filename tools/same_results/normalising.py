"""Replace values that may differ between two runs of one program: times of the run, durations, digests, folders."""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

# A time with its day, in whole minutes or finer, as JSON, CSV and pages have it.
_TIME = re.compile(r"(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d)(:\d\d(\.\d+)?)?(\+00(:00)?|Z| UTC)?")
_DIGEST = re.compile(r"[0-9a-f]{64}")
# What an iteration logs when it ends.
_DURATIONS = re.compile(r"(?<=seconds: )[a-z]+ \d+\.\d(, [a-z]+ \d+\.\d)*")
# The plot of the time from an iteration to the next.
_MINUTES = re.compile(r'<div class="plot">\s*<h3>Minutes since.*?</svg>\s*</div>', re.DOTALL)


@dataclass(frozen=True)
class Run:
    """What one checkout wrote.

    folder: where it lies now. work: the folder that paths lead into, wherever the run lay.
    start, end: times between them become TIME, so that those of products are compared. All runs have one start.
    digests: names of the files of the run by SHA-256, which stand for it: a digest is the same where it is of the same
    file, and whether the file is the same is reported for the file itself.
    """

    folder: Path
    work: Path
    checkout: Path
    start: datetime
    end: datetime
    digests: dict[str, str] = field(default_factory=dict)

    def digest_files(self) -> None:
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                name = str(path.relative_to(self.folder))
                self.digests.setdefault(hashlib.sha256(path.read_bytes()).hexdigest(), name)

    def normalised(self, text: str) -> str:
        text = text.replace(str(self.work), "WORK").replace(str(self.checkout), "CHECKOUT")
        text = _MINUTES.sub("MINUTES", _DURATIONS.sub("DURATIONS", text))
        text = _DIGEST.sub(lambda found: self._named(found[0]), text)
        return _TIME.sub(self._timed, text)

    def _named(self, digest: str) -> str:
        return f"DIGEST of {self.digests[digest]}" if digest in self.digests else digest

    def _timed(self, found: "re.Match[str]") -> str:
        try:
            # To the minute, as the coarsest of them.
            year, month, day, hour, minute = (int(found[part]) for part in range(1, 6))
            time = datetime(year, month, day, hour, minute, tzinfo=UTC)
        except ValueError:
            return found[0]
        return "TIME" if self.start - timedelta(minutes=1) <= time <= self.end else found[0]
