"""What every record is made of, and the findings of checks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

Scalar = bool | int | float | str
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class Record(BaseModel):
    """Base of every record: immutable, and unknown fields are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Finding(Record):
    """Something a check saw. An `error` rejects the run.

    `where` is `path#key`, or `path:line` with the sentence as it stands in `quote`.
    """

    code: Annotated[str, StringConstraints(pattern=r"^[a-z]+(-[a-z]+)*$")]
    severity: Literal["error", "warning", "note"]
    message: str
    where: str = ""
    quote: str = ""
