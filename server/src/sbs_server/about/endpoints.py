"""`/about`: open to everybody, so that the sign-in page can say what it belongs to."""

from functools import cache
from importlib.metadata import version
from typing import Annotated

from fastapi import APIRouter, Depends

from sbs_server.about.schemas import About

PRODUCT = "SBS"
API_VERSION = "1"
router = APIRouter(prefix="/api/v1/about", tags=["about"])


@cache
def _installed_version() -> str:
    return version("sbs-server")


@router.get("", operation_id="about_get")
async def get(installed: Annotated[str, Depends(_installed_version)]) -> About:
    """Product and version, and how one signs in. Says nothing of what is in it."""
    return About(product=PRODUCT, version=installed, api_version=API_VERSION, sign_in=["password"])
