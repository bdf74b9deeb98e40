"""What the lost property office says."""

from gbike.contracts import Number, Personal, Said


class FoundProperty(Said, frozen=True):
    """Somebody handed in what lay in a bike's basket."""

    ABOUT = ("bike", "bikeid")
    foundid: Number
    userid: Number
    bikeid: Number
    location: Personal[str | None] = None


SAYS = (FoundProperty,)
