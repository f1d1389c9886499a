#!/usr/bin/env bash
# Runs the tests against a real engine (they live in tests/it/*_live.rs) and looks whether they left
# anything behind. Words after the command choose among them: tests/live.sh usage_live --nocapture
set -euo pipefail
cd "$(dirname "$0")/.."

tests/engine-up.sh

# Every image is made here, the smallest of a static busybox: no registry is asked for anything.
if [[ ! -x /bin/busybox && ! -x /usr/bin/busybox ]]; then
  [[ $(id -u) -eq 0 ]] || { echo "live: a static busybox is needed: apt-get install busybox-static" >&2; exit 1; }
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends busybox-static >/dev/null
fi

# The five systems' own images, and what stands in for those that nobody can pull here.
tests/images.sh

# One at a time: they measure, and they share one engine.
[[ $# -gt 0 ]] || set -- live
status=0
cargo test --locked --features live --test it -- --test-threads=1 "$@" || status=$?

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
  # The five systems are brought up from their own files, which know nothing of that label.
  case $kind in
    container) found=$(docker ps -a --format '{{.Names}}') ;;
    *) found=$(docker "$kind" ls --format '{{.Name}}') ;;
  esac
  if found=$(grep '^stackdash-story-' <<<"$found"); then
    echo "live: a story left a $kind behind:" $found >&2
    left=1
  fi
done
[[ $left -eq 0 ]] || exit 1
exit "$status"
