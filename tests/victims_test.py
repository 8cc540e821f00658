# SPDX-License-Identifier: Apache-2.0
"""The small services to hurt do what the tests that hurt them rely on: they answer, they count
what was lost, they find each other again, and they end when told to."""

import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

from slow import scaled, wait_until

PROGRAMS = Path(os.environ["SQUALL_BUILD"]).resolve() / "examples/victim"


class Victims(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def start(self, program, *words):
        started = subprocess.Popen([PROGRAMS / program, *map(str, words)], text=True,
                                   stdout=subprocess.PIPE)
        self.addCleanup(started.stdout.close)
        self.addCleanup(started.wait)
        self.addCleanup(started.kill)
        return started

    def serve(self, program, *words, port=0):
        file = self.folder / f"{program}.port"
        file.unlink(missing_ok=True)
        started = self.start(program, *words, "--port", port, "--port-file", file)
        wait_until(file.exists, 10, f"{program} listens")
        return started, int(file.read_text())

    def end(self, process):
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=scaled(10))[0]
        self.assertEqual(process.returncode, 0)
        return said

    def test_gateway_acknowledges_and_rejects(self):
        gateway, port = self.serve("order-gateway")
        with socket.create_connection(("127.0.0.1", port), timeout=scaled(5)) as connection:
            connection.sendall(b"NEW 1 B 10 99.5\nNEW 2 X 10 99.5\nPING\r\nnonsense\nNEW 3 S 1")
            connection.sendall(b" 1\n")
            text = ""
            while text.count("\n") < 5:
                text += connection.recv(1000).decode()
        self.assertEqual(text.splitlines(), ["ACK 1", "REJ 2 side is B or S", "PONG",
                                             "REJ unknown message", "ACK 3"])
        self.assertEqual(json.loads(self.end(gateway)),
                         {"connections": 1, "accepted": 2, "rejected": 2})

    def test_client_counts_what_was_lost_and_connects_anew(self):
        gateway, port = self.serve("order-gateway")
        stats = self.folder / "stats"
        client = self.start("order-client", "--connect", f"127.0.0.1:{port}", "--rate", 100,
                            "--stats", stats)

        def figures():
            return json.loads(stats.read_text()) if stats.exists() else {}

        wait_until(lambda: figures().get("acked", 0) > 50, 10, "orders are acknowledged")
        self.assertEqual(figures()["lost"], 0)
        gateway.kill()
        gateway.wait()
        wait_until(lambda: figures()["lost"] > 50, 10, "orders are lost without a gateway")
        self.serve("order-gateway", port=port)
        wait_until(lambda: figures()["connected"] and figures()["acked"] > 50, 10,
                   "orders are acknowledged again")
        summary = json.loads(self.end(client).splitlines()[-1])
        self.assertGreater(summary["reconnects"], 0)
        self.assertGreaterEqual(summary["sent"], summary["acked"] + summary["lost"])

    def test_price_service_keeps_the_connection(self):
        service, port = self.serve("price-service")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=scaled(5))
        answers = []
        for method, path in (("GET", "/health"), ("GET", "/price/ESZ6"), ("GET", "/other"),
                             ("DELETE", "/health")):
            connection.request(method, path)
            answer = connection.getresponse()
            answers.append((answer.status, json.loads(answer.read())))
        connection.close()
        self.assertEqual([status for status, _ in answers], [200, 200, 404, 405])
        self.assertEqual(answers[0][1]["state"], "ok")
        self.assertGreater(answers[1][1]["price"], 0)
        self.end(service)

    def test_receiver_names_what_is_missing(self):
        missing = self.folder / "missing"
        receiver, port = self.serve("udp-sequence", "receive", "--count", 10, "--idle", "2s",
                                    "--missing", missing)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for number in (0, 1, 4, 3, 3, 8):
                sender.sendto(number.to_bytes(8, "little") + bytes(8), ("127.0.0.1", port))
        said = json.loads(receiver.communicate(timeout=scaled(10))[0])
        self.assertEqual({name: said[name] for name in
                          ("received", "lost", "repeated", "reordered", "bursts")},
                         {"received": 5, "lost": 5, "repeated": 1, "reordered": 1,
                          "bursts": {"1": 2, "3": 1}})
        self.assertEqual(missing.read_text().split(), ["2", "5", "6", "7", "9"])

    def test_bad_options_are_told(self):
        for words in (["order-client", "--rate", "x"], ["order-gateway", "--port", "70000"],
                      ["price-service", "--nonsense", "1"], ["udp-sequence", "send", "--to", "x"]):
            done = subprocess.run([PROGRAMS / words[0], *words[1:]], text=True,
                                  capture_output=True)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn("error: ", done.stderr)
        for program in ("order-client", "order-gateway", "price-service", "udp-sequence"):
            done = subprocess.run([PROGRAMS / program, "--help"], capture_output=True)
            self.assertEqual(done.returncode, 0)


if __name__ == "__main__":
    unittest.main()
