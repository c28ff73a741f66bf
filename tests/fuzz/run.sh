#!/usr/bin/env bash
# tests/fuzz/run.sh TARGET SECONDS - one fuzz target, on its seeds and what earlier runs found. Called by ./dev fuzz.
# Inputs that reach new code are kept in build/fuzz/found/TARGET, a failing input as build/fuzz/TARGET-crash-...
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
name=$1 seconds=$2 log=build/fuzz/$1.log
mkdir -p "build/fuzz/found/$name"
dictionary=()
[ ! -e "tests/fuzz/$name.dict" ] || dictionary=("-dict=tests/fuzz/$name.dict")
program=$(find build/fuzz -type f -perm -u+x -name "fuzz_$name" | head -n 1)
status=0
"$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=16384 -print_final_stats=1 \
    "${dictionary[@]}" -artifact_prefix="build/fuzz/$name-" "build/fuzz/found/$name" "tests/fuzz/corpus/$name" \
    >"$log" 2>&1 || status=$?
runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
reach=$(grep -o 'cov: [0-9]*' "$log" | tail -n 1 || true)
if [ $status = 0 ]; then
    echo "fuzz $name: ${runs:-0} inputs in $seconds s, ${reach:-nothing reached}, no finding"
else
    grep -E 'ERROR|SUMMARY|runtime error|Test unit written' "$log" | head -n 5 || tail -n 5 "$log"
    echo "fuzz $name: FAILED, see $log"
    exit 1
fi
