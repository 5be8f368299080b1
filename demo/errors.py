"""Exceptions of the demonstration.

DemoError
├── TreeError         the sample tree can't be made, changed or removed as asked
├── ManifestError     a manifest can't be made, or the file is not a whole and undamaged manifest
├── CompareError      a comparison can't be made at all (a difference it finds is a result, no error)
└── ReportError       the report was used in a way that would make it say something untrue
"""


class DemoError(Exception):
    """Root of the tree. The text says what is wrong, where, and what would be right."""


class TreeError(DemoError):
    """The sample tree can't be made, changed or removed as asked."""


class ManifestError(DemoError):
    """A manifest can't be made, or the file is not a whole and undamaged manifest."""


class CompareError(DemoError):
    """A comparison can't be made at all."""


class ReportError(DemoError):
    """The report was used in a way that would make it say something untrue."""
