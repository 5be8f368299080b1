"""What the product says about itself."""

from typing import Literal

from pydantic import BaseModel


class About(BaseModel):
    product: str
    version: str
    api_version: str
    sign_in: list[Literal["password"]]
    """The ways to sign in that this installation offers."""
