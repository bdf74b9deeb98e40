"""The breaker, sentence by sentence of ruling 7, and against a small model of it."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gbike.kit.calls.peers import Breaker, BreakerSettings, CircuitOpen, State
from tests.kit.floor import SetClock
from tests.services.lone import examples


def a_breaker(chance: float = 0.5) -> tuple[Breaker, SetClock]:
    """A breaker with the usual settings, and its clock."""
    clock = SetClock()
    return Breaker(BreakerSettings(), clock, lambda: chance), clock


def call(breaker: Breaker, ok: bool) -> None:
    """One call from admission to its result."""
    breaker.done(breaker.admit(), ok=ok)


def opened(chance: float = 0.5) -> tuple[Breaker, SetClock]:
    """A breaker that has just opened."""
    breaker, clock = a_breaker(chance)
    for _ in range(5):
        call(breaker, False)
    assert breaker.state is State.OPEN
    return breaker, clock


def test_five_failures_in_a_row_open_it_and_four_do_not() -> None:
    breaker, _ = a_breaker()
    for ok in (False, False, False, False, True, False, False, False, False):
        call(breaker, ok)
    assert breaker.state is State.CLOSED
    call(breaker, False)
    assert breaker.state is State.OPEN


def test_half_of_ten_calls_open_it_and_of_nine_do_not() -> None:
    breaker, _ = a_breaker()
    for ok in (True, False) * 4:
        call(breaker, ok)
    call(breaker, True)
    assert breaker.state is State.CLOSED
    call(breaker, False)
    assert breaker.state is State.OPEN


def test_calls_older_than_ten_seconds_are_forgotten() -> None:
    breaker, clock = a_breaker()
    for ok in (False, True) * 4:
        call(breaker, ok)
    clock.waited_ms += 10_000
    for ok in (True, True, False):
        call(breaker, ok)
    assert breaker.state is State.CLOSED


@pytest.mark.parametrize(("chance", "lasts_ms"), [(0.0, 4_000), (0.5, 5_000), (1.0, 6_000)])
def test_it_stays_open_five_seconds_more_or_less_each_time(chance: float, lasts_ms: int) -> None:
    breaker, clock = opened(chance)
    for _ in range(4):  # no doubling
        clock.waited_ms += lasts_ms - 1
        with pytest.raises(CircuitOpen):
            breaker.check()
        clock.waited_ms += 2
        call(breaker, False)
        assert breaker.state is State.OPEN


def test_half_open_lets_one_call_through_at_a_time_and_three_close_it() -> None:
    breaker, clock = opened()
    clock.waited_ms += 5_000
    for _ in range(3):
        ticket = breaker.admit()
        assert breaker.state is State.HALF_OPEN
        with pytest.raises(CircuitOpen):
            breaker.admit()
        with pytest.raises(CircuitOpen):
            breaker.check()
        breaker.done(ticket, ok=True)
    assert breaker.state is State.CLOSED


def test_a_failed_probe_opens_it_again() -> None:
    breaker, clock = opened()
    clock.waited_ms += 5_000
    call(breaker, True)
    call(breaker, False)
    assert breaker.state is State.OPEN


def test_looking_takes_no_place() -> None:
    breaker, clock = opened()
    clock.waited_ms += 5_000
    for _ in range(5):
        breaker.check()
    breaker.admit()


@pytest.mark.parametrize("chance", [0.0, 0.25, 0.5, 1.0])
def test_with_a_request_a_second_it_is_closed_within_ten_seconds_of_recovery(chance: float) -> None:
    breaker, clock = opened(chance)
    for second in range(11):
        clock.waited_ms += 1_000
        try:
            call(breaker, True)
        except CircuitOpen:
            continue
        if breaker.state is State.CLOSED:
            assert second < 10
            return
    pytest.fail("it never closed")


def test_a_result_from_before_the_last_change_of_state_is_ignored() -> None:
    breaker, clock = a_breaker()
    old = breaker.admit()
    for _ in range(5):
        call(breaker, False)
    clock.waited_ms += 5_000
    probe = breaker.admit()
    breaker.done(old, ok=False)
    assert breaker.state is State.HALF_OPEN
    breaker.done(probe, ok=True)
    call(breaker, True)
    call(breaker, True)
    assert breaker.state is State.CLOSED


def test_it_says_when_to_try_again() -> None:
    breaker, clock = opened(0.0)
    clock.waited_ms += 1_500
    with pytest.raises(CircuitOpen) as refused:
        breaker.check()
    assert refused.value.retry_after_s == 3  # 2.5 s are left


def test_every_change_of_state_is_told() -> None:
    clock, told = SetClock(), list[State]()
    breaker = Breaker(BreakerSettings(), clock, lambda: 0.5, told.append)
    for _ in range(5):
        call(breaker, False)
    clock.waited_ms += 5_000
    for _ in range(3):
        call(breaker, True)
    assert told == [State.OPEN, State.HALF_OPEN, State.CLOSED]


class Model:
    """The breaker again, as plainly as can be: the history since the last change of state, judged anew each time."""

    def __init__(self) -> None:
        self.state = "closed"
        self.now = 0.0
        self.open_until = 0.0
        self.era = 0
        self.history: list[tuple[float, bool]] = []
        self.probe_out = False

    def move(self, state: str) -> None:
        self.state = state
        self.history = []
        self.probe_out = False
        self.era = self.era + 1
        if state == "open":
            self.open_until = self.now + 5_000

    def admits(self) -> bool:
        if self.state == "open" and self.now >= self.open_until:
            self.move("half")
        return self.state == "closed" or (self.state == "half" and not self.probe_out)

    def done(self, era: int, ok: bool) -> None:
        if era != self.era:
            return
        self.history.append((self.now, ok))
        if self.state == "half":
            self.probe_out = False
            if not ok:
                self.move("open")
            elif len(self.history) == 3:
                self.move("closed")
            return
        recent = [good for at, good in self.history if at > self.now - 10_000]
        in_a_row = [good for _, good in self.history[-5:]] == [False] * 5
        share = len(recent) >= 10 and recent.count(False) * 2 >= len(recent)
        if in_a_row or (share and not ok):
            self.move("open")


class BreakerMachine(RuleBasedStateMachine):
    """The breaker and its model take the same steps."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker, self.clock = a_breaker()
        self.model = Model()
        self.out: list[tuple[int, int]] = []

    @rule()
    def ask(self) -> None:
        if self.model.admits():
            self.model.probe_out = self.model.state == "half"
            self.out.append((self.breaker.admit(), self.model.era))
        else:
            with pytest.raises(CircuitOpen):
                self.breaker.admit()

    @precondition(lambda self: self.out)
    @rule(which=st.integers(0, 100), ok=st.booleans())
    def answer(self, which: int, ok: bool) -> None:
        ticket, era = self.out.pop(which % len(self.out))
        self.breaker.done(ticket, ok=ok)
        self.model.done(era, ok)

    @rule(ms=st.sampled_from([1, 500, 2_500, 5_000, 9_999, 10_000]))
    def wait(self, ms: int) -> None:
        self.clock.waited_ms += ms
        self.model.now += ms

    @rule()
    def fail_five_times(self) -> None:
        for _ in range(5):
            self.ask()
            if self.out:
                ticket, era = self.out.pop()
                self.breaker.done(ticket, ok=False)
                self.model.done(era, False)

    @invariant()
    def they_agree(self) -> None:
        assert {State.CLOSED: "closed", State.HALF_OPEN: "half", State.OPEN: "open"}[
            self.breaker.state
        ] == self.model.state

    def teardown(self) -> None:
        """Whatever happened: when every call is answered and time passes, one good call after another closes it."""
        for ticket, _ in self.out:
            self.breaker.done(ticket, ok=False)
        self.clock.waited_ms += 6_000
        for _ in range(3):
            call(self.breaker, True)
        assert self.breaker.state is State.CLOSED


TestBreakerAgainstItsModel = BreakerMachine.TestCase
TestBreakerAgainstItsModel.settings = settings(examples(60), stateful_step_count=40)
