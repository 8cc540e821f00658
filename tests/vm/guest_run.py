# SPDX-License-Identifier: Apache-2.0
#
# The guest's side of the VM tier: carries out the steps of job.json one after the other
# and writes what came out to results.jsonl, a line each. guest_run.py JOB_FOLDER.

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SKIPPED = 77


def main():
    folder = Path(sys.argv[1])
    job = json.loads((folder / "job.json").read_text())
    results = folder / "results.jsonl"
    environment = {**os.environ, **job["environment"]}
    warm_up(environment)
    for step in job["steps"]:
        run_file(step, results, environment, folder / "output")


def warm_up(environment):
    """The share is slow to read from: a first run should not wait for it with its lease running."""
    squall = Path(environment["SQUALL_BUILD"]) / "squall"
    inject = [["inject", fault, "--interface", "lo", "--loss", "1%", "--for", "0s", "--yes"]
              for fault in ("packet_loss", "netem")]
    for words in (["--version"], *inject):
        subprocess.run([squall, *words], env={**environment, "SQUALL_STATE_DIR": "/run/warm"},
                       stdin=subprocess.DEVNULL, capture_output=True)


def run_file(step, results, environment, output):
    """One file in a process group of its own, so that a hanging one can be ended whole."""
    began = time.monotonic()
    lines_before = count_lines(results)
    command = [sys.executable, "-B", HERE / "record_results.py", results, step["name"],
               step["file"], *step.get("tests", [])]
    if step.get("prints"):
        command = [sys.executable, "-B", step["file"]]
    log = log_of(output, step["name"])
    output.mkdir(exist_ok=True)
    with open(log, "wb") as sink:
        process = subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT,
                                   stdin=subprocess.DEVNULL, start_new_session=True,
                                   env={**environment, **step.get("environment", {})})
        try:
            code = process.wait(step["limit"])
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            code = None
    silent = count_lines(results) == lines_before
    last = log.read_text(errors="replace").strip()[-2000:]
    if code is None:
        outcome, why = "fail", f"not done after {step['limit']:.0f} s\n{last}"
    elif code == SKIPPED and silent:
        outcome, why = "skip", last.splitlines()[-1] if last else "no reason given"
    elif code not in (0, SKIPPED) and silent:
        outcome, why = "fail", f"exit code {code}\n{last}"
    elif code == 0 and step.get("prints"):
        outcome, why = "ok", ""
    elif code == 0 and silent:
        outcome, why = "fail", f"it ran no test\n{last}"
    else:
        outcome = None
    with open(results, "a") as file:
        if outcome:
            file.write(json.dumps({"test": step["name"], "outcome": outcome, "why": why,
                                   "took": round(time.monotonic() - began, 2)}) + "\n")
        # A file whose tests all passed may still have failed afterwards.
        elif code not in (0, 1, SKIPPED):
            file.write(json.dumps({"test": step["name"], "outcome": "fail", "took": 0,
                                   "why": f"exit code {code}\n{last}"}) + "\n")
        file.write(json.dumps({"done": step["name"]}) + "\n")


def log_of(output, name):
    return output / (name.replace("/", "_") + ".log")


def count_lines(path):
    return path.read_text().count("\n") if path.exists() else 0


if __name__ == "__main__":
    main()
