"""Stops under load, over and over: PENSTOCK_STOPS times (5 by default; `./dev torture` does 200)."""

import os
import random

import pytest

from support.address import CONNECTED, any_url
from support.clients import DatagramFlood, HalfClosing, Storm
from support.records import assert_all_once, fate_of
from support.wait import wait_until

STOPS = int(os.environ.get("PENSTOCK_STOPS", "5"))
CONNECTIONS = 3


@pytest.mark.long
def test_stops_under_load(netns, penstock, workdir):
    """No record is lost of those whose sender saw FIN, exit 0, socket files gone, and the same addresses bind again
    at once."""
    urls = [any_url(s) for s in (*CONNECTED, "udp4", "unixgram")]
    seed = int.from_bytes(os.urandom(4), "big")
    chance = random.Random(seed)
    print(f"{STOPS} stops, seed {seed}", flush=True)
    for turn in range(STOPS):
        server = penstock([{"name": url.partition(":")[0], "listen": url} for url in urls], folder=workdir,
                          server={"drain_quiet": "200ms"})
        urls = [server.urls(url.partition(":")[0])[0] for url in urls]  # from now on the ports of the first turn
        clients = [HalfClosing(server.address(s, s), f"{s}-{n}") for s in CONNECTED for n in range(CONNECTIONS)]
        storms = [Storm(server.address(s, s), f"storm-{s}") for s in CONNECTED]
        floods = {s: DatagramFlood(server.address(s, s), s) for s in ("udp4", "unixgram")}
        for thread in (*clients, *storms, *floods.values()):
            thread.start()
        wait_until(lambda: all(c.sent > 20 for c in clients), "the load")
        clients[0].quit.wait(chance.uniform(0, 0.3))
        server.stop()
        for client in clients:
            client.finish()
        for thread in (*storms, *floods.values()):
            thread.enough.set() if thread in floods.values() else thread.quit.set()
            thread.join(60)
        check_turn(server, clients, storms, floods)
        os.unlink(workdir / "out.log")
        if turn % 10 == 9:
            print(f"{turn + 1} stops", flush=True)
    # RSTs answer datagrams and SYNs to ports that are closed by then; these are the ones that cost somebody data.
    assert netns.moved("TcpEstabResets", "TcpExtTCPAbortOnClose", "TcpExtTCPAbortOnData") == {}


def check_turn(server, clients, storms, floods):
    records = server.records()
    for client in clients:
        assert client.error is None, (client.name, client.error)
        assert client.saw_fin, client.name
        assert_all_once(records, client.name, client.sent)
    for storm in storms:
        assert storm.resets == [], storm.name
        assert_all_once(records, storm.name, storm.done, ordered=False)
    assert_all_once(records, "unixgram", floods["unixgram"].sent)
    udp, fate = server.ledger().listener("udp4"), fate_of(records, "udp4", 0)
    assert fate.arrived == udp["datagrams"]
    assert fate.doubled == [] and fate.in_order
    assert udp["datagrams"] + udp["kernel_drops"] <= floods["udp4"].sent
    left = [name for name in os.listdir(server.folder) if name.endswith(".sock")]
    assert left == [], left
