# SPDX-License-Identifier: Apache-2.0
#
# Runs every benchmark beside this file, one after the other, and writes one Markdown
# file: run.py [RESULT.md]. Slowness is never a failure; a benchmark that breaks is.

import datetime
import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
NOT_BENCHMARKS = {"run.py", "measuring.py"}
SKIPPED = 77


def machine():
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text()
                  .splitlines() if line.startswith("model name")), platform.machine())
    commit = subprocess.run(["git", "-C", HERE, "rev-parse", "--short", "HEAD"],
                            capture_output=True, text=True).stdout.strip()
    return (f"{datetime.date.today()}, commit {commit or 'unknown'}, kernel {platform.release()}, "
            f"{os.cpu_count()} × {model}")


def main():
    if "SQUALL_BUILD" not in os.environ:
        sys.exit("set SQUALL_BUILD to the build folder (a release build, for figures that count)")
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent / "support")}
    parts = [f"# Benchmarks\n\n{machine()}\n"]
    broken = []
    for file in sorted(HERE.glob("*.py")):
        if file.name in NOT_BENCHMARKS:
            continue
        done = subprocess.run([sys.executable, "-B", file], env=environment,
                              capture_output=True, text=True)
        print(done.stdout, flush=True)
        parts.append(done.stdout)
        if done.returncode not in (0, SKIPPED):
            broken.append(file.name)
            print(f"{file.name} broke:\n{done.stderr}", flush=True)
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text("\n".join(parts))
    sys.exit(f"broken: {', '.join(broken)}" if broken else 0)


if __name__ == "__main__":
    main()
