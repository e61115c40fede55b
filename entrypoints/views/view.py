"""What every view is: one JSON object, as shops and operators see it."""

from pydantic import BaseModel, ConfigDict


class View(BaseModel):
    """One JSON object of an answer."""

    model_config = ConfigDict(frozen=True)
