#!/usr/bin/env bash
# The main job on a real file: look at it, filter and project it, convert it, and check that nothing was lost.
set -euo pipefail
cd "$(dirname "$0")/.."
src=testdata/elements/elements.parquet
out=.cache/demo
mkdir -p "$out"
say() { printf '\n\033[1m$ %s\033[0m\n' "$*"; "$@"; }
say bin/bdcat schema "$src"
say bin/bdcat head -o table -n 5 "$src"
say bin/bdcat cat -o table -s 'symbol, name, weight, discovered' -w "period = 6 AND weight > 190" "$src"
say bin/bdcat count -w 'discovered IS NULL' "$src"
say bin/bdconvert --if-exists overwrite --codec zstd -w 'block = '"'d'" "$src" "$out/metals.parquet"
say bin/bdcat meta "$out/metals.parquet"
say bin/bdcat cat -o jsonl -n 3 "$out/metals.parquet"
say bin/bdconvert --if-exists overwrite --verify "$src" "$out/copy.parquet"
say bin/bdcat diff "$src" "$out/copy.parquet"
printf '\nNothing was lost.\n'
