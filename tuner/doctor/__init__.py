"""What is wrong with a storage, and the part of it that can be mended without guessing."""

from tuner.doctor.examination import examine, mend
from tuner.doctor.findings import Finding, Severity, command

__all__ = ["Finding", "Severity", "command", "examine", "mend"]
