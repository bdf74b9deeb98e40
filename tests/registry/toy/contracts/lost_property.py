"""What the lost property office says."""

from gbike.contracts import Number, Said


class FoundProperty(Said, frozen=True):
    """Somebody handed in what lay in a bike's basket."""

    foundid: Number
    userid: Number
    bikeid: Number
    location: str | None = None

    @property
    def key(self) -> str:
        """The bike."""
        return f"bike:{self.bikeid}"


SAYS = (FoundProperty,)
