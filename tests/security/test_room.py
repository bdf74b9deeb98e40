"""How many connections a process keeps, and which one makes room for a new one."""

from gbike.kit.http.connections import Connections, Slot, most_connections, on_loopback


def at(connections: Connections, address: str, closed: list[str], name: str = "", now_s: float = 0) -> Slot:
    slot = connections.enter(address, now_s)
    assert slot is not None
    slot.close = lambda: closed.append(name or address)
    return slot


def test_the_newest_idle_connection_of_the_largest_client_goes_first() -> None:
    connections, closed = Connections(8, lambda address: address == "10.0.0.9"), list[str]()
    for name in ("old", "new"):
        at(connections, "10.0.0.1", closed, name)
    at(connections, "10.0.0.2", closed)
    for number in range(4):
        at(connections, "10.0.0.9", closed, f"proxied {number}").ask()
    one = at(connections, "2001:db8::1", closed)
    assert len(connections) == 8
    at(connections, "10.0.0.3", closed)
    assert closed == ["new"], "not those of the largest, which are all in the middle of a request"
    one.leave()
    one.leave()
    assert len(connections) == 7


def test_who_has_asked_before_goes_after_who_never_has() -> None:
    connections, closed = Connections(3, lambda _: True), list[str]()
    at(connections, "10.0.0.1", closed, "silent")
    rider = at(connections, "10.0.0.1", closed, "rider")
    rider.ask()
    rider.wait()
    busy = at(connections, "10.0.0.1", closed, "busy")
    busy.ask()
    at(connections, "10.0.0.2", closed, "new").ask()
    at(connections, "10.0.0.2", closed, "newer").ask()
    assert closed == ["silent", "rider"]
    assert connections.enter("10.0.0.3", 0) is None, "nobody in the middle of a request makes room"
    busy.wait()
    assert connections.enter("10.0.0.3", 0) is not None
    assert closed[-1] == "busy"


def test_a_new_connection_has_time_to_ask_while_others_have_not() -> None:
    connections, closed = Connections(4, lambda _: True), list[str]()
    for number in range(3):
        at(connections, "10.0.0.1", closed, f"silent {number}", number / 10)
    at(connections, "10.0.0.1", closed, "rider", 1.15)
    for number in range(3):
        at(connections, "10.0.0.1", closed, f"flood {number}", 1.2)
    assert closed == ["silent 2", "silent 1", "silent 0"]
    at(connections, "10.0.0.1", closed, "flood 3", 1.3)
    assert closed[3:] == ["flood 2"], "all are new: the newest"


def test_a_client_has_a_share_and_makes_room_in_it_itself() -> None:
    connections, closed = Connections(40, lambda address: address == "10.0.0.9"), list[str]()
    for number in range(11):
        at(connections, f"2001:db8::{number + 1}", closed, str(number))
    assert closed == ["9"], "one client is a /64, and had its 10"
    for _ in range(20):
        at(connections, "10.0.0.9", closed, "proxied")
    assert len(connections) == 30
    assert closed == ["9"]


def test_many_clients_of_one_network_of_ipv6_make_room_before_a_campus() -> None:
    connections, closed = Connections(40, lambda _: False), list[str]()
    for _ in range(6):
        rider = at(connections, "10.0.0.1", closed, "answered")
        rider.ask()
        rider.wait()
    for number in range(100):
        at(connections, f"2001:db8:7:{number:x}::1", closed, "stranger", number)
    at(connections, "10.0.0.1", closed, "new", 101)
    assert (set(closed), len(closed), len(connections)) == ({"stranger"}, 67, 40)
    for number in range(100, 200):
        at(connections, f"2001:db8:7:{number:x}::1", closed, "stranger", 101.1)
    assert set(closed) == {"stranger"}


def test_files_are_set_aside_for_stores() -> None:
    assert [most_connections(files) for files in (64, 512, 1024, 65_536)] == [16, 256, 768, 10_000]
    assert [on_loopback(one) for one in ("127.0.0.2", "::1", "::ffff:127.0.0.1", "10.0.0.1", "x")] == [True] * 3 + [
        False
    ] * 2
