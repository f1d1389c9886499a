#!/usr/bin/env bash
# Runs the tests against a real engine (they live in tests/it/*_live.rs) and looks whether they left
# anything behind. Words after the command go to the tests: tests/live.sh usage --nocapture
set -euo pipefail
cd "$(dirname "$0")/.."

tests/engine-up.sh

# The tests' only image is made of a static busybox: no registry is asked for anything.
if [[ ! -x /bin/busybox && ! -x /usr/bin/busybox ]]; then
  [[ $(id -u) -eq 0 ]] || { echo "live: a static busybox is needed: apt-get install busybox-static" >&2; exit 1; }
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends busybox-static >/dev/null
fi

# One at a time: they measure, and they share one engine.
status=0
cargo test --locked --features live --test it -- live --test-threads=1 "$@" || status=$?

# Everything the tests make carries this label, so that nobody else's things are ever touched.
label=stackdash.test=1
left=0
for kind in container volume network; do
  case $kind in
    container) found=$(docker ps -aq --filter "label=$label") ;;
    *) found=$(docker "$kind" ls -q --filter "label=$label") ;;
  esac
  if [[ -n $found ]]; then
    echo "live: the tests left a $kind behind:" $found >&2
    left=1
  fi
done
[[ $left -eq 0 ]] || exit 1
exit "$status"
