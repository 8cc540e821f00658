# SPDX-License-Identifier: Apache-2.0
#
# What real podman containers are called: by name, id and label, and what is none of them.
#
# On kernel 6.12-rt only: to an engine they are all the same.

from containers import OnContainers, own_containers
from driven_fault import Driven
from run_tests import run_tests
from victims import state


def setUpModule():
    own_containers()


class Naming(OnContainers):
    def test_by_id_and_by_label(self):
        self.containers.run("front", options=("--label", f"tier={self.containers.prefix}"))
        self.containers.run("back", options=("--label", "tier=other"))
        full = self.containers.podman("inspect", "-f", "{{.Id}}", self.containers.name("front"))
        pid = self.containers.pid(self.containers.name("front"))
        label = f"tier={self.containers.prefix}"
        with self.assertRaisesRegex(RuntimeError, "no container with label.*podman.socket"):
            Driven("process_pause", target__container=label)
        self.containers.serve()
        for text in (full, full[:12], label):
            with self.subTest(container=text), Driven("process_pause", target__container=text):
                self.assertEqual("T", state(pid))

    def test_what_is_not_one_running_container_is_refused(self):
        for short in ("one", "two"):
            self.containers.run(short, options=("--label", f"of={self.containers.prefix}"))
        self.containers.run("idle")
        self.containers.podman("stop", "-t", "0", self.containers.name("idle"))
        self.containers.serve()
        prefix = self.containers.prefix
        for text, said in ((f"{prefix}-onn", f"did you mean '{prefix}-one'"),
                           (f"{prefix}-idle", f"container '{prefix}-idle' does not run"),
                           (f"of={prefix}", f"2 containers match 'of={prefix}': {prefix}-")):
            with self.subTest(container=text), self.assertRaisesRegex(RuntimeError, said):
                Driven("process_pause", target__container=text)


if __name__ == "__main__":
    run_tests()
