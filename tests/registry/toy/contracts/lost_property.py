"""What the lost property office says."""

from gbike.contracts import Event, Number, Personal


class FoundProperty(Event, frozen=True):
    """Somebody handed in what lay in a bike's basket."""

    ABOUT = "bike"
    foundid: Number
    userid: Number
    bikeid: Number
    location: Personal[str | None] = None


PUBLISHES = (FoundProperty,)
