"""More datagrams than the sink takes: each is delivered, or counted where it was dropped."""

import threading

from support.address import Address
from support.clients import send_datagrams
from support.prometheus import Metrics
from support.records import numbers_of
from support.stalled import StalledPipe
from support.udp_oracle import from_proc, from_socket, port_of
from support.wait import wait_until

FLOOD = 20_000  # from each sender
CALM = 300


def test_overload_is_accounted_for(netns, penstock):
    """The sink stands still, the buffers of two URLs overflow; the other listener does not notice. Drops and what waits
    are the kernel's own figures, in /api/status and /metrics alike; once the sink goes on, sent = delivered + drops."""
    pipe = StalledPipe()
    server = penstock(
        [{"name": "hot", "listen": ["udp4://127.0.0.1:0", "udp6://[::1]:0"], "receive_buffer": "64KiB", "sinks": ["slow"]},
         {"name": "calm", "listen": "udp4://127.0.0.1:0", "sinks": ["file"]}],
        [{"name": "slow", "type": "stdout", "queue": {"max_bytes": "64KiB"}}, {"name": "file", "path": "calm.log"}],
        server={"drain_timeout": "60s", "flush_timeout": "60s"}, stdout=pipe.write_end)
    pipe.started()
    hot = server.urls("hot")
    sent = dict.fromkeys(hot, FLOOD)
    senders = [threading.Thread(target=send_datagrams, args=(Address.parse(url, server.folder), f"u{at}", FLOOD, 200))
               for at, url in enumerate(hot)]
    for sender in senders:
        sender.start()
    for first in range(0, CALM, 10):  # paced: never more than its buffer holds
        send_datagrams(server.address("udp4", "calm"), "c", 10, first=first)
        server.wait_records(first + 10, "calm.log")
    for sender in senders:
        sender.join()

    def figures() -> tuple:
        """By URL of `hot`: drops and bytes that wait, by the server and by the kernel's two accounts."""
        status = {url["url"]: url for url in server.admin.listener("hot")["urls"]}
        metrics = Metrics(server.admin.get("/metrics").decode())
        rows = []
        for url in hot:
            proc, own = from_proc(port_of(url)), from_socket(server.pid, port_of(url))
            # What was read lately is in rmem_alloc until a quarter of the buffer has been; Recv-Q leaves it out.
            assert proc.drops == own.drops and proc.queued_bytes <= own.queued_bytes
            rows.append([(own.drops, proc.queued_bytes, own.buffer_bytes),
                         (status[url]["kernel_drops"], status[url]["kernel"]["receive_queue_bytes"],
                          status[url]["kernel"]["receive_buffer_bytes"]),
                         tuple(metrics.sum(f"penstock_kernel_{name}", listener="hot", url=url)
                               for name in ("drops_total", "receive_queue_bytes", "receive_buffer_bytes"))])
        return rows

    def all_agree():
        return all(kernel == status == metrics and kernel[0] > 0 and kernel[1] > 0 for kernel, status, metrics in figures())

    wait_until(all_agree, lambda: f"one account of drops and of what waits: {figures()}", pause=0.1)
    metrics = Metrics(server.admin.get("/metrics").decode())
    assert metrics.by("penstock_gate_shut", "by", listener="hot") == {"slow": 1}
    assert metrics.by("penstock_gate_shut", "by", listener="calm") == {}
    assert metrics.sum("penstock_sockets_paused", listener="hot") == 2
    assert metrics.sum("penstock_kernel_drops_total", listener="calm") == 0

    pipe.flow()
    wait_until(lambda: server.admin.listener("hot")["kernel"]["receive_queue_bytes"] == 0
               and server.admin.status()["routes"][0]["queued"] == 0, "all that waited to be delivered", pause=0.1)
    drops = {url: from_socket(server.pid, port_of(url)).drops for url in hot}
    status = {url["url"]: url for url in server.admin.listener("hot")["urls"]}
    for url in hot:
        assert status[url]["kernel_drops"] == drops[url] > 0
        assert sent[url] == status[url]["datagrams"] + status[url]["kernel_drops"]
    server.stop()
    records = pipe.records()
    for at, url in enumerate(hot):
        assert len(set(numbers_of(records, f"u{at}"))) == sent[url] - drops[url]
    assert len(records) == sum(sent.values()) - sum(drops.values())
    ledger = server.ledger()
    assert ledger.listener("hot")["kernel_drops"] == sum(drops.values())
    assert (ledger.listener("calm")["kernel_drops"], len(server.records("calm.log"))) == (0, CALM)
