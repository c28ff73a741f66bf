#!/usr/bin/python3
# tests/bench/run.py - what `./dev bench` does: our own programs, then the shared benchmark beside the peers.
#
# usage: run.py [-w WORKLOAD,...] [--quick] [--no-peer] [--no-own] [--no-shared]
#
# The programs are those of tests/bench/bench_*.c, built in build/release/bench. The shared benchmark is found by
# POSTERN_BENCH, else beside the source folder (../shared/bench); it needs root, and says how to set its peers up.
import argparse
import os
import subprocess
import sys
from pathlib import Path

from gateway import compile_sieve

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# Door: the benchmark's variable for it, and where it listens.
TMP = os.environ.get("BENCH_TMP") or "/tmp/bench"
DOORS = {"smtp": ("PROJECT_SMTP", "127.0.0.1:3525"), "http": ("PROJECT_HTTP", "127.0.0.1:3527"),
         "milter": ("PROJECT_MILTER", f"unix:{TMP}/run/project/milter"), "policy": ("PROJECT_POLICY", "127.0.0.1:3526")}
# Workload: the kind of configuration (gateway.py), and the door that is asked. What stands behind a colon tells apart
# two configurations for one workload of the benchmark.
WORKLOADS = {
    "smtp": ("proxy", "smtp"),
    "smtp-tls": ("proxy", "smtp"),
    "smtp-idle500": ("proxy", "smtp"),
    "stack-auth": ("auth", "smtp"),
    "http-auth": ("auth", "http"),
    "milter-auth": ("auth", "milter"),
    "milter-c200": ("auth", "milter"),
    "dns-20ms": ("auth", "milter"),
    "policy": ("greylist", "policy"),
    "policy:redis": ("greylist", "policy"),
    "milter-full": ("full", "milter"),
    "milter-full:redis": ("full", "milter"),
    "http-full": ("full", "http"),
    "http-full:redis": ("full", "http"),
    "http-full:rules": ("rules", "http"),
}


def own():
    status = 0
    for program in sorted((ROOT / "build" / "release" / "bench").glob("bench_*")):
        if program.is_file() and os.access(program, os.X_OK):
            print(f"== {program.name}", flush=True)
            status |= subprocess.run([program], cwd=ROOT, check=False).returncode
    return status


def shared(options):
    folder = Path(os.environ.get("POSTERN_BENCH") or ROOT.parent / "shared" / "bench")
    if not (folder / "run-project").exists():
        print(f"no shared benchmark at {folder}: the comparison with peers is left out")
        return 0
    if os.getuid() != 0:
        print("the shared benchmark needs root for its namespaces: the comparison with peers is left out")
        return 0
    wanted = options.w.split(",")
    for workload in wanted:
        if workload not in WORKLOADS:
            sys.exit(f"no such workload here: {workload}; there are {', '.join(WORKLOADS)}")
    plain = [workload for workload in wanted if ":" not in workload]
    rounds = [plain] * bool(plain) + [[workload] for workload in wanted if ":" in workload]
    return max(run_round(folder, workloads, options) for workloads in rounds)


def run_round(folder, workloads, options):
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
    environment.update(DOORS.values())
    names = [workload.split(":")[0] for workload in workloads]
    postern = ROOT / "build" / "release" / "postern"
    for name, workload in zip(names, workloads):
        kind, door = WORKLOADS[workload]
        compile_sieve(postern, kind)
        start = f"{sys.executable} {HERE}/gateway.py {postern}"
        command = f"{start} {kind} {door} {DOORS[door][1]} {{dns}} {{sink}} {{run}}"
        if kind in ("full", "rules"):
            command += (" {redis}" if workload.endswith(":redis") else " ''") + " {corpus}"
        elif workload.endswith(":redis"):
            command += " {redis}"
        environment["PROJECT_CMD_" + name.upper().replace("-", "_")] = command
    flags = ["--quick"] * options.quick + ["--no-peer"] * options.no_peer
    command = [folder / "run-project", "-w", ",".join(names), *flags]
    return subprocess.run(command, env=environment, check=False).returncode


def main():
    parser = argparse.ArgumentParser(prog="./dev bench")
    parser.add_argument("-w", default="smtp,stack-auth", help="workloads: " + ", ".join(WORKLOADS))
    parser.add_argument("--quick", action="store_true", help="a tenth of the messages, once")
    parser.add_argument("--no-peer", action="store_true", help="without the peers")
    parser.add_argument("--no-own", action="store_true", help="without our own programs")
    parser.add_argument("--no-shared", action="store_true", help="our own programs alone")
    options = parser.parse_args()
    status = 0 if options.no_own else own()
    return status if options.no_shared else shared(options) or status


if __name__ == "__main__":
    sys.exit(main())
