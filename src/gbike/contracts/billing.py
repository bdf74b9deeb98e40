"""What the billing service says."""

from gbike.contracts import Event, Moment, Number


class RegisteredBill(Event, frozen=True):
    """A bill was opened for a rent (R4)."""

    ABOUT = "rent"
    billid: Number
    rentid: Number
    userid: Number
    starttime: Moment
    status: str


class CalculatedFee(Event, frozen=True):
    """The fee of a returned rent is known and is to be taken from the rider's deposit (R7)."""

    ABOUT = "rent"
    billid: Number
    rentid: Number
    userid: Number
    endtime: Moment
    fee: Number
    status: str
    starttime: Moment | None = None
    tariff: str | None = None


class ClosedBill(Event, frozen=True):
    """The fee was taken from the deposit; bill and ride are closed (R8)."""

    ABOUT = "rent"
    billid: Number
    rentid: Number
    userid: Number
    status: str


class CorrectedBill(Event, frozen=True):
    """A part of a bill's fee is given back to its rider; the bill itself stays as it is."""

    ABOUT = "rent"
    correctionid: Number
    billid: Number
    rentid: Number
    userid: Number
    amount: Number


PUBLISHES = (RegisteredBill, CalculatedFee, ClosedBill, CorrectedBill)
