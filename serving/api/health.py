"""Whether the process lives, and whether it is ready to answer."""

from __future__ import annotations

from fastapi import APIRouter

from serving.service import CurrentDep

router = APIRouter(prefix="/health", tags=["health"])


@router.get("/live")
async def live() -> dict[str, str]:
    """Tell that the process answers."""
    return {"status": "live"}


@router.get("/ready")
async def ready(current: CurrentDep) -> dict[str, str | bool]:
    """Tell that the model is loaded, and whether a ranking is."""
    return {"status": "ready", "ranking": current.store is not None}
