#!/usr/bin/env bash
# Makes sure that a Docker engine answers here, with Compose v2 and buildx beside it.
# For a Debian machine where we are root (a CI runner, a container). Running it twice changes nothing.
set -euo pipefail

say() { echo "engine-up: $*"; }
fail() { echo "engine-up: $*" >&2; exit 1; }

answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

need_root() {
  [[ $(id -u) -eq 0 ]] || fail "$1 needs root; run as root, or start an engine yourself and run again"
}

install_engine() {
  need_root "installing an engine"
  command -v apt-get >/dev/null || fail "no engine here and no apt-get to install one: install Docker and run again"
  say "installing docker.io"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker.io iptables ca-certificates >/dev/null
}

start_engine() {
  need_root "starting the engine"
  local log=${DOCKERD_LOG:-/var/log/dockerd.log}
  say "starting dockerd, its log is $log"
  setsid nohup dockerd >"$log" 2>&1 </dev/null &
  for _ in $(seq 120); do
    if answers; then return; fi
    sleep 0.5
  done
  tail -n 20 "$log" >&2
  fail "dockerd did not answer within a minute; its last words stand above"
}

# The plugins are single programs inside Debian's packages. Debian 12 does not have them, Debian 13
# does: they are taken out of its packages without installing those, so that nothing else changes.
install_plugins() {
  need_root "installing the Compose and buildx plugins"
  say "installing the compose and buildx plugins"
  local folder=/usr/libexec/docker/cli-plugins keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  local work mirror
  mirror=$(sed -nE 's/^URIs:[[:space:]]*([^[:space:]]+).*/\1/p; s/^deb[[:space:]]+(\[[^]]*\][[:space:]]+)?([^[:space:]]+).*/\2/p' \
    /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null | head -n 1 || true)
  [[ -n $mirror ]] || fail "no Debian mirror is configured: install docker-compose (v2) and docker-buildx yourself"
  work=$(mktemp -d)
  # shellcheck disable=SC2064
  trap "rm -rf '$work'" EXIT
  mkdir -p "$work/lists/partial" "$work/tree"
  echo "deb [signed-by=$keyring] $mirror trixie main" >"$work/sources.list"
  local apt=(apt-get -qq
    -o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State::Lists=$work/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
    -o APT::Sandbox::User=root)
  "${apt[@]}" update
  (cd "$work" && "${apt[@]}" download docker-compose docker-buildx)
  local package
  for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/tree"; done
  mkdir -p "$folder"
  install -m 755 "$work/tree$folder"/docker-compose "$work/tree$folder"/docker-buildx "$folder/"
}

if ! answers; then
  command -v dockerd >/dev/null || install_engine
  answers || start_engine
fi
if ! docker compose version >/dev/null 2>&1 || ! docker buildx version >/dev/null 2>&1; then
  install_plugins
fi
say "engine $(docker version --format '{{.Server.Version}}, API {{.Server.APIVersion}}')"
say "compose $(docker compose version --short), $(docker buildx version)"
