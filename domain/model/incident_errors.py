"""
The branch of the error tree about what waits for a human.

    IncidentError
    ├── IncidentNotExist    no such id
    ├── IncidentEnded       somebody was faster, or it came to its end by itself
    └── ResolutionRefused   not a way to end this one, or not yet; says what is
"""

from collections.abc import Iterable

from retender.domain.model.errors import RetenderError


class IncidentError(RetenderError):
    """An incident cannot be ended like this."""


class IncidentNotExist(IncidentError):
    """No incident bears this id."""

    code = "INCIDENT_NOT_EXIST"

    def __init__(self, incident_id: str) -> None:
        """Repeat the id."""
        super().__init__(f"There is no incident {incident_id[:64]!r}.")


class IncidentEnded(IncidentError):
    """It waits no more: somebody was faster, or it came to its end by itself."""

    code = "INCIDENT_ENDED"

    def __init__(self, incident_id: str, resolution: str, by: str) -> None:
        """Say how it ended, and by whom."""
        super().__init__(
            f"Incident {incident_id} has ended already: {resolution}, by {by}.",
            incident_id=incident_id,
            resolution=resolution,
            by=by,
        )


class ResolutionRefused(IncidentError):
    """This is no way to end this incident, or not yet; says why, and what is."""

    code = "RESOLUTION_REFUSED"

    def __init__(self, resolution: str, why: str, possible: Iterable[str]) -> None:
        """Say why not, and list what is possible."""
        ways = list(possible)
        super().__init__(
            f"It cannot be ended as {resolution}: {why}. Possible: {', '.join(ways) or 'nothing'}.",
            resolution=resolution,
            possible=ways,
        )
