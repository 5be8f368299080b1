"""What a benchmark ends with when it can't measure: one error, told in one line."""


class BenchError(Exception):
    """The text says what is wrong and what would be right."""
