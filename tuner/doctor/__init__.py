"""What is wrong with a storage, and the part of it that can be mended without guessing."""

from tuner.doctor.checkup import examine, mend
from tuner.doctor.findings import Finding, Severity

__all__ = ["Finding", "Severity", "examine", "mend"]
