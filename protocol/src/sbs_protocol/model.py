"""The base of every message on the wire."""

from pydantic import BaseModel, ConfigDict


class WireModel(BaseModel):
    """Immutable; fields this side does not know are ignored, so that a newer peer can add some."""

    model_config = ConfigDict(extra="ignore", frozen=True)
