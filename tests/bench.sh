#!/usr/bin/env bash
# Measures what watching costs on a real engine: stackdash beside the peers that are installed (oxker, dtop,
# lazydocker; `cargo install oxker` is the easiest), in turns, with 10, 50 and 100 containers. Prints tables.
# On a quiet machine, as root: about eleven minutes with two peers.
#
#   tests/bench.sh                              all of it
#   tests/bench.sh --containers 10 --seconds 5  a short one; --help lists the rest
set -euo pipefail
cd "$(dirname "$0")/.."

tests/engine-up.sh >&2
docker image inspect stackdash-test/alpine:3 >/dev/null 2>&1 || tests/images.sh >&2
cargo build --release --locked
# The measuring program needs no optimization, the measured one is the release build.
exec cargo bench --locked --profile dev --bench peers -- "$@"
