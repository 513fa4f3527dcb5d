"""Multicast: each socket takes the datagrams of its own groups, interfaces and sources, and of nobody else's."""

import signal
import socket
import time

import pytest

from support import multicast, network
from support.command import penstock_command
from support.records import assert_all_once, record
from support.settings import cannot_run
from support.wait import wait_until

BY_LISTENER = {"path": "{listener}.log"}


@pytest.fixture
def far(netns):
    """A machine behind two cables, `one` and `two`; on `one` it has two IPv4 and two IPv6 addresses."""
    end = network.FarEnd()
    try:
        end.link("one", ["10.9.1.1/24", "fd09:1::1/64"],
                 ["10.9.1.2/24", "10.9.1.3/24", "fd09:1::2/64", "fd09:1::3/64"])
        end.link("two", ["10.9.2.1/24"], ["10.9.2.2/24"])
    except OSError as error:
        cannot_run(f"no pair of network interfaces: {error}")
    yield end
    end.close()


def group(scheme, address, port, interface, name, **multicast_keys):
    host = f"[{address}]" if ":" in address else address
    return {"name": name, "listen": f"{scheme}://{host}:{port}",
            "multicast": {"interface": interface, **multicast_keys}}


def say_everything():
    """From the far end: each group on each port and interface, each source, and unicast."""
    for interface in ("one", "two"):
        for port in range(5000, 5006):
            for address in ("239.1.1.1", "239.1.1.2", "239.1.1.9", "ff15::1", "ff15::2", "ff15::3", "ff15::9",
                            "ff02::1234", "ff02::1235"):
                multicast.send(address, port, [f"{address} {interface}".encode()], interface)
    for number, port in ((1, 5004), (2, 5005)):
        for last in (2, 3):
            for address, source in ((f"232.1.1.{number}", f"10.9.1.{last}"), (f"ff35::{number}", f"fd09:1::{last}")):
                multicast.send(address, port, [f"{address} from {source}".encode()], "one", source)
    for host, ports in (("fd09:1::1", (5001, 5003, 5005)), ("10.9.1.1", (5001, 5002, 5003, 5005))):
        with socket.socket(multicast.family_of(host), socket.SOCK_DGRAM) as sock:
            for port in ports:
                sock.sendto(b"unicast", (host, port))


def test_each_socket_takes_its_own_groups_alone(far, penstock):
    """Groups on one port, one group on two interfaces, groups beside unicast, sources; and other programs' groups."""
    sources = ["10.9.1.2", "fd09:1::2"]
    server = penstock([
        group("udp4", "239.1.1.1", 5000, "one", "a"),
        group("udp", "239.1.1.2", 5000, "one", "b"),
        group("udp4", "239.1.1.1", 5000, "two", "a-two"),
        group("udp6", "ff15::1", 5000, "one", "a6"),
        group("udp", "ff15::2", 5000, "one", "b6"),
        group("udp6", "ff15::1", 5000, "two", "a6-two"),
        {"name": "link", "listen": "udp6://[ff02::1234%one]:5000"},
        group("udp6", "ff02::1234", 5000, "two", "link-two"),
        {"name": "all", "listen": "udp://:5001",
         "multicast": {"groups": ["239.1.1.1", "239.1.1.2", "ff15::3", "ff02::1235%one"], "interface": "one"}},
        {"name": "four", "listen": "udp4://:5002", "multicast": {"groups": ["239.1.1.1"], "interface": "one"}},
        {"name": "plain", "listen": "udp://:5003"},
        group("udp4", "232.1.1.1", 5004, "one", "sources", sources=sources[:1]),
        group("udp6", "ff35::1", 5004, "one", "sources6", sources=sources[1:]),
        {"name": "wild-sources", "listen": "udp://:5005",
         "multicast": {"groups": ["232.1.1.2", "ff35::2"], "interface": "one", "sources": sources}},
    ], BY_LISTENER, server={"threads": 1})
    joined = {"one": {"239.1.1.1", "239.1.1.2", "ff15::1", "ff15::2", "ff02::1234", "232.1.1.1", "ff35::1", "232.1.1.2",
                      "ff35::2", "ff15::3", "ff02::1235"},
              "two": {"239.1.1.1", "ff15::1", "ff02::1234"}}
    foreign = {"one": {"239.1.1.9", "ff15::9"}, "two": {"239.1.1.2", "ff15::2"}}
    for interface, groups in joined.items():
        assert groups <= multicast.memberships(interface), interface
    assert server.urls("a") == ["udp4://239.1.1.1:5000"]
    assert server.urls("a6-two") == ["udp6://[ff15::1%two]:5000"]
    assert server.urls("link-two") == ["udp6://[ff02::1234%two]:5000"]

    # Another program on the same port, and memberships of others that nothing of ours may profit from.
    others = [multicast.receiver(address, port, interface) for interface, groups in foreign.items()
              for address in sorted(groups) for port in (5000, 5900)]
    try:
        with far.entered():
            say_everything()
        assert b"239.1.1.9 one" in iter(lambda: others[0].recv(100), None)
    finally:
        for other in others:
            other.close()

    wanted = {
        "a": ["239.1.1.1 one"], "b": ["239.1.1.2 one"], "a-two": ["239.1.1.1 two"],
        "a6": ["ff15::1 one"], "b6": ["ff15::2 one"], "a6-two": ["ff15::1 two"],
        "link": ["ff02::1234 one"], "link-two": ["ff02::1234 two"],
        "all": ["239.1.1.1 one", "239.1.1.2 one", "ff15::3 one", "ff02::1235 one", "unicast", "unicast"],
        "four": ["239.1.1.1 one", "unicast"],
        "plain": ["unicast", "unicast"],
        "sources": ["232.1.1.1 from 10.9.1.2"], "sources6": ["ff35::1 from fd09:1::2"],
        "wild-sources": ["232.1.1.2 from 10.9.1.2", "ff35::2 from fd09:1::2", "unicast", "unicast"],
    }

    def got(name):
        return sorted(line.decode() for line in server.records(f"{name}.log"))

    wait_until(lambda: all(len(got(name)) >= len(lines) for name, lines in wanted.items()),
               lambda: str({name: got(name) for name in wanted}))
    server.stop()
    assert {name: got(name) for name in wanted} == {name: sorted(lines) for name, lines in wanted.items()}
    for interface, groups in joined.items():
        assert not groups & multicast.memberships(interface), interface


def test_programs_share_a_group(far, penstock, workdir):
    """Each of two servers and another program gets every datagram; unicast ports stay exclusive."""
    second = workdir / "second"
    second.mkdir()
    listener = group("udp4", "239.1.1.1", 5000, "one", "in")
    servers = [penstock(listener), penstock(listener, folder=second)]
    with multicast.receiver("239.1.1.1", 5000, "one") as other:
        with far.entered():
            multicast.send("239.1.1.1", 5000, [record("s", n) for n in range(200)], "one")
        for server in servers:
            server.wait_records(200)
        for number in range(200):
            assert other.recv(1000) == record("s", number)
    servers[0].stop()
    with far.entered():
        multicast.send("239.1.1.1", 5000, [record("s", 200)], "one")
    servers[1].wait_records(201)
    servers[1].stop()
    assert_all_once(servers[0].records(), "s", 200)
    assert_all_once(servers[1].records(), "s", 201)


@pytest.mark.parametrize("url", ["udp4://239.1.1.1:5000", "udp://:5000"])
def test_stop_under_load_reads_what_the_kernel_had_queued(far, penstock, url):
    server = penstock({"listen": url, "receive_buffer": "4MiB",
                       "multicast": {"groups": ["239.1.1.1"], "interface": "one"}})
    server.send_signal(signal.SIGSTOP)
    with far.entered():
        multicast.send("239.1.1.1", 5000, [record("queued", n) for n in range(3000)], "one")
        server.send_signal(signal.SIGTERM)
        server.send_signal(signal.SIGCONT)
        late = 0
        while server.running:
            if late == 2000:  # with those queued not more than the buffer holds
                time.sleep(0.01)
                continue
            multicast.send("239.1.1.1", 5000, [record("late", late)], "one")
            late += 1
    assert server.wait() == 0
    records = server.records()
    assert [r for r in records if r.startswith(b"queued")] == [record("queued", n) for n in range(3000)]
    ledger = server.ledger().listener()
    assert ledger["datagrams"] == len(records)
    assert ledger["kernel_drops"] == 0
    assert "239.1.1.1" not in multicast.memberships("one")


def test_socket_of_a_service_manager(far, penstock, workdir):
    """It is joined for, keeps what comes while there is no server, and follows a changed list of sources."""
    def heir(**keys):
        listener = {"listen": "udp4://:5000", "multicast": {"groups": ["239.1.1.1"], "interface": "one", **keys}}
        return penstock(listener, folder=workdir, inherit=given)

    def send(name):
        with far.entered():
            for source in ("10.9.1.2", "10.9.1.3"):
                multicast.send("239.1.1.1", 5000, [f"{name} {source}".encode()], "one", source)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as given:
        given.bind(("0.0.0.0", 5000))
        first = heir()
        send("first")
        first.wait_records(2)
        first.stop()
        send("between")
        second = heir(sources=["10.9.1.3"])
        second.wait_records(4)
        send("second")
        second.wait_records(5)
        second.stop()
        third = heir()
        send("third")
        third.wait_records(7)
        third.stop()
    names = [b"first 10.9.1.2", b"first 10.9.1.3", b"between 10.9.1.2", b"between 10.9.1.3", b"second 10.9.1.3",
             b"third 10.9.1.2", b"third 10.9.1.3"]
    assert third.records() == names


def test_send_is_a_client(far, penstock):
    server = penstock([group("udp4", "239.1.1.1", 5000, "one", "four"), group("udp6", "ff02::1234", 5000, "one", "six"),
                       group("udp4", "239.1.1.2", 5000, "lo", "own", sources=["127.0.0.1"])],
                      BY_LISTENER)
    penstock_command("send", "udp4://239.1.1.2:5000", "--interface", "lo", "--count", 100)
    server.wait_records(100, "own.log")  # its source is the interface's address
    for url in ("udp4://239.1.1.1:5000", "udp6://[ff02::1234]:5000"):
        penstock_command("send", url, "--interface", "one", "--ttl", 4, "--count", 100)
    server.wait_records(100, "four.log")
    server.wait_records(100, "six.log")
    network.ip("route", "add", "239.0.0.0/8", "dev", "one")
    penstock_command("send", "udp://239.1.1.1:5000", "--count", 100)
    server.wait_records(200, "four.log")
    server.stop()
    wrong = penstock_command("send", "udp://239.1.1.1:5000", "--interface", "nope", expect=1)
    assert 'no network interface "nope"' in wrong.stderr
    wrong = penstock_command("send", "udp://127.0.0.1:5000", "--ttl", 4, expect=1)
    assert "--interface and --ttl are for multicast groups, and 127.0.0.1 is none" in wrong.stderr


# (listen, multicast table, what the message says)
CANNOT_JOIN = [
    ("udp4://239.1.1.1:5000", {"interface": "nope"}, 'bind udp4://239.1.1.1:5000: no network interface "nope"'),
    ("udp4://239.1.1.1:5000", {}, "join 239.1.1.1 on the interface of its route: no such device (no route to it: name the "
                                  "interface in multicast.interface, or add a route to 224.0.0.0/4)"),
    ("udp://:5000", {"groups": [f"239.1.2.{n}" for n in range(21)], "interface": "one"},
     "join 239.1.2.20 on one: no buffer space available (net.ipv4.igmp_max_memberships is 20)"),
    ("udp4://232.1.1.1:5000", {"sources": [f"10.0.0.{n + 1}" for n in range(11)], "interface": "one"},
     "no buffer space available (net.ipv4.igmp_max_msf is 10)"),
]


@pytest.mark.parametrize("url,keys,message", CANNOT_JOIN)
def test_what_cannot_be_joined_is_told(far, penstock, url, keys, message):
    server = penstock({"listen": url, "multicast": keys}, start=False)
    checked = penstock_command("check", "--config", server.config, "--bind", expect=2)
    assert message.removeprefix(f"bind {url}: ") in checked.stdout
    server.spawn()
    assert server.wait() == 1
    assert message in server.log_text().replace('\\"', '"')


def test_an_interface_that_is_down_is_told(far, penstock):
    network.ip("link", "set", "two", "down")
    server = penstock(group("udp4", "239.1.1.1", 5000, "two", "in"))
    checked = penstock_command("check", "--config", server.config, "--bind")
    assert "joined 239.1.1.1 on two (nothing may arrive: two is down)" in checked.stdout
    server.wait_log("multicast may not arrive.*two is down")
    network.ip("link", "set", "two", "up")

    def arrives() -> bool:  # the link carries a moment after it is up
        with far.entered():
            multicast.send("239.1.1.1", 5000, [b"now"], "two")
        return b"now" in server.records()
    wait_until(arrives, lambda: f"a datagram arrives:\n{server.log_text()}", pause=0.1)
    server.stop()
