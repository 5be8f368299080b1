"""Column types that several tables share."""

from enum import StrEnum

from sqlalchemy import Enum


def text_enum(values: type[StrEnum], name: str) -> Enum:
    """A word out of a list, kept as text with a check: a new word is one short migration, not a new type."""
    return Enum(
        values,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=40,
        values_callable=lambda enum: [member.value for member in enum],
        validate_strings=True,
    )
