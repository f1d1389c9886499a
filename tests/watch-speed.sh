#!/usr/bin/env bash
# Measures the hot-reload loop on the real engine, beside `docker compose watch` and the bare commands, in one run.
# Prints a table and asserts nothing. A local engine, root (containers' files are read through /proc) and the
# images of tests/images.sh are needed.
#
#   tests/watch-speed.sh [PATH OF STACKDASH]      ROUNDS=7 FILES=100000 IDLE=20
set -euo pipefail
program=$(realpath "${1:-target/release/stackdash}")
rounds=${ROUNDS:-7} files=${FILES:-100000} idle=${IDLE:-20}
name=stackdash-watch-speed-$$
work=$(mktemp -d)
export XDG_STATE_HOME=$work/state XDG_CONFIG_HOME=$work/config COMPOSE_PROJECT_NAME=$name STACKDASH_HISTORY=0
watcher=
stop() {
  if [[ -n $watcher ]]; then kill -INT "$watcher" 2>/dev/null || true; wait "$watcher" 2>/dev/null || true; watcher=; fi
}
trap 'stop; cd "$work/stack" && docker compose down -t 0 --rmi local >/dev/null 2>&1; rm -rf "$work"' EXIT

mkdir -p "$work/stack/app/src" "$work/stack/big" && cd "$work/stack"
cat >docker-compose.yml <<END
services:
  sync:
    build: ./app
    init: true
    labels: { stackdash.test: "1" }
    stop_grace_period: 0s
    develop:
      watch:
        - { path: ./app/src, action: sync, target: /app/src }
        - { path: ./big, action: sync, target: /big, ignore: [node_modules/] }
  built:
    build: ./built
    init: true
    labels: { stackdash.test: "1" }
    stop_grace_period: 0s
    develop:
      watch:
        - { path: ./built, action: rebuild }
END
mkdir built
for folder in app built; do
  printf '%s\n' 'FROM stackdash-test/alpine:3' 'LABEL stackdash.test=1' 'COPY . /app' 'CMD ["sleep", "1000000"]' >$folder/Dockerfile
done
echo 0 >app/src/a; echo 0 >built/a; echo 0 >big/a
docker compose up -d --build >/dev/null 2>&1

now() { date +%s%N; }
ms() { echo $((($2 - $1) / 1000000)); }
root() { echo "/proc/$(docker inspect -f '{{.State.Pid}}' "$(docker compose ps -q "$1" 2>/dev/null)" 2>/dev/null)/root"; }
median() { sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] " ms (" all[1] " to " all[NR] ")" }'; }

begin() {
  stop
  case $1 in
    stackdash) "$program" watch --format json >"$work/out" 2>"$work/err" & watcher=$!
      until [[ $(grep -c 'watching ' "$work/err" || true) -ge 2 ]]; do sleep 0.1; done; sleep 1 ;;
    compose) docker compose watch --no-up >"$work/out" 2>&1 & watcher=$!; sleep 3 ;;
    bare) ;;
  esac
}

# Each prints its milliseconds.
sync_once() {
  local at want=$2-$RANDOM-$SECONDS
  at=$(now)
  echo "$want" >app/src/a
  [[ $1 != bare ]] || docker cp app/src/a "$(docker compose ps -q sync):/app/src/a" >/dev/null 2>&1
  until [[ $(<"$inside/app/src/a") == "$want" ]]; do :; done 2>/dev/null
  ms "$at" "$(now)"
}

# The first start of a new container after a moment, by the engine's own events.
rebuild_once() {
  local at
  echo "$2-$RANDOM-$SECONDS" >built/a
  at=$(now)
  if [[ $1 == bare ]]; then
    docker compose build built >/dev/null 2>&1 && docker compose up -d --no-deps built >/dev/null 2>&1
  fi
  read -r -t 60 started <&3 || { echo 99999; return; }
  ms "$at" "$started"
  sleep 2
}

burst_once() {
  local at last=burst-$RANDOM number
  at=$(now)
  for number in $(seq 200); do echo "$number" >built/a; sleep 0.01; done
  echo "$last" >built/a
  local saved; saved=$(now)
  until [[ $(cat "$(root built)/app/a" 2>/dev/null) == "$last" ]]; do sleep 0.05; done
  echo "$(ms "$saved" "$(now)") ms after the last save"
}

switch_once() {
  local at
  git -C big checkout -q "$2"
  at=$(now)
  [[ $1 != bare ]] || docker cp big/. "$(docker compose ps -q sync):/big" >/dev/null 2>&1
  until [[ $(cat "$inside"/big/f/* 2>/dev/null | grep -c "^$2$") == 2000 ]]; do sleep 0.01; done
  ms "$at" "$(now)"
}

cpu_of() { # ticks of a process and all below it
  local all=0 pid; local todo=("$1")
  while ((${#todo[@]})); do
    pid=${todo[0]}; todo=("${todo[@]:1}")
    [[ -r /proc/$pid/stat ]] || continue
    all=$((all + $(awk '{ print $14 + $15 }' "/proc/$pid/stat")))
    for child in $(cat "/proc/$pid/task/$pid/children" 2>/dev/null); do todo+=("$child"); done
  done
  echo $all
}

git -C big init -q && git -C big config user.email a@b && git -C big config user.name a
for branch in one two; do
  git -C big checkout -q -b $branch; mkdir -p big/f
  for number in $(seq 2000); do echo $branch >big/f/$number; done
  git -C big add -A && git -C big commit -qm $branch
done
git -C big checkout -q one

row() { printf '%-34s  %-36s\n' "$1" "$2"; }
for tool in stackdash compose bare; do
  begin $tool
  inside=$(root sync)
  row "$tool: save to visible (sync)" "$(for n in $(seq "$rounds"); do sync_once $tool "$n"; sleep 0.3; done | median)"
  row "$tool: 2,000 files (sync)" "$(for branch in two one two one; do switch_once $tool $branch; sleep 2; done | median)"
  exec 3< <(docker events --filter event=start --filter "label=com.docker.compose.service=built" \
    --filter "label=com.docker.compose.project=$name" --format '{{.TimeNano}}')
  events=$!
  sleep 0.5
  row "$tool: save to running (rebuild)" "$(for n in $(seq "$rounds"); do rebuild_once $tool "$n"; done | median)"
  kill $events; exec 3<&-
  if [[ $tool != bare ]]; then
    before=$(now)
    took=$(burst_once)
    sleep 5
    starts=$(docker events --since "$((before / 1000000000))" --until "$(date +%s)" --filter event=start \
      --filter "label=com.docker.compose.service=built" --filter "label=com.docker.compose.project=$name" --format x | wc -l)
    row "$tool: burst of 200 saves" "$took, $starts new containers"
  fi
done
stop

for number in $(seq $((files / 100))); do mkdir -p big/many/$number; (cd big/many/$number && touch {1..100}); done
for tool in stackdash compose; do
  begin $tool
  sleep 10
  before=$(cpu_of "$watcher"); sleep "$idle"; after=$(cpu_of "$watcher")
  row "$tool: idle over $files files" "$(((after - before) * 10)) ms of CPU in $idle s"
done
