#!/usr/bin/env bash
# Builds the images that the live stories of the five systems run on; no registry is asked for anything.
#
#   stackdash-test/postgres:15, stackdash-test/nginx:1   real ones, out of Debian's packages
#   stackdash-test/python:3.11-slim, node:…, …           busybox and the stand-in (fixtures/stand-in)
#
# Each image carries a hash of what it was made from and is made only when that changed: running this
# twice takes a second. Debian, root, an engine and rustc are needed.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { echo "images: $*"; }
fail() { echo "images: $*" >&2; exit 1; }

busybox=$(PATH=/bin:/usr/bin command -v busybox) || fail "a static busybox is needed: apt-get install busybox-static"
path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

hash_of() { cat "$@" | sha256sum | cut -c 1-16; }

# is_made NAME HASH
is_made() {
  [[ $(docker image inspect --format '{{index .Config.Labels "stackdash.content"}}' "stackdash-test/$1" 2>/dev/null) == "$2" ]]
}

# import NAME HASH FOLDER [INSTRUCTION…]: a folder becomes an image, with instructions as in a Dockerfile.
import() {
  local name=$1 hash=$2 folder=$3 raw old
  shift 3
  old=$(docker image inspect --format '{{.Id}}' "stackdash-test/$name" 2>/dev/null || true)
  raw=stackdash-test/raw-${name//:/-}
  tar -C "$folder" --numeric-owner -cf - . | docker import - "$raw" >/dev/null
  # An import knows only some of the instructions.
  printf '%s\n' "FROM $raw" "LABEL stackdash.test=1 stackdash.content=$hash" "ENV PATH=$path" "$@" |
    docker build -q -t "stackdash-test/$name" - >/dev/null
  docker image rm "$raw" >/dev/null
  # What it replaces would stay without a name, unless a container runs on it.
  [[ -z $old ]] || docker image rm "$old" >/dev/null 2>&1 || true
  say "made stackdash-test/$name"
}

# The folders and accounts that every image has.
skeleton() {
  local tree=$1
  mkdir -p "$tree"/{bin,etc,root,run,tmp,usr/bin,usr/local/bin,var/log,var/lib}
  [[ -e $tree/var/run ]] || ln -s ../run "$tree/var/run"
  chmod 1777 "$tree/tmp"
  printf '%s\n' root:x:0:0:root:/root:/bin/sh nobody:x:65534:65534::/:/bin/false "${@:2}" >"$tree/etc/passwd"
  sed -E 's/^([^:]*):x:[0-9]*:([0-9]*):.*/\1:x:\2:/' "$tree/etc/passwd" >"$tree/etc/group"
  echo "hosts: files dns" >"$tree/etc/nsswitch.conf"
  install -m 755 "$busybox" "$tree/bin/busybox"
}

# applets TREE all|slim: what Alpine's busybox has, or what Debian's small images have.
applets() {
  local tree=$1 applet
  local slim="[ awk basename cat chgrp chmod chown cp cut date dd df dirname du echo env expr false find grep gunzip gzip
    head hostname id kill ln ls md5sum mkdir mktemp mv nproc od printf pwd readlink realpath rm rmdir sed seq sh sha256sum
    sleep sort stat stty sync tail tar tee test timeout touch tr true tty uname uniq wc which whoami xargs yes"
  [[ $2 == slim ]] || slim=$("$busybox" --list)
  for applet in $slim; do
    [[ -e $tree/bin/$applet ]] || ln -s busybox "$tree/bin/$applet"
  done
}

# --- stand-ins

stand_in_hash=$(hash_of fixtures/stand-in/*.rs fixtures/stand-in/*/*.rs "$busybox" <(declare -f skeleton applets stand_in import) <(rustc --version))

compile_stand_in() {
  [[ ! -e $work/stand-in ]] || return 0
  rustc --edition 2024 -O -D warnings -C target-feature=+crt-static -C panic=abort -C strip=symbols \
    -o "$work/stand-in" fixtures/stand-in/main.rs
  say "compiled the stand-in"
}

# stand_in NAME all|slim "PROGRAM…" [INSTRUCTION…]
stand_in() {
  local name=$1 kind=$2 programs=$3 program hash tree
  shift 3
  hash=$(hash_of <(echo "$stand_in_hash" "$name" "$kind" "$programs" "$@"))
  if is_made "$name" "$hash"; then return; fi
  compile_stand_in
  tree=$(mktemp -d -p "$work")
  skeleton "$tree"
  install -m 755 "$work/stand-in" "$tree/usr/bin/stand-in"
  for program in $programs; do ln -s stand-in "$tree/usr/bin/$program"; done
  applets "$tree" "$kind"
  import "$name" "$hash" "$tree" "$@"
}

# --- real programs out of Debian's packages

# unpack TREE PACKAGE…: the packages with the libraries that they need.
unpack() {
  local tree=$1 packages
  shift
  mkdir -p "$tree" "$work/packages"
  packages=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
    --no-enhances "$@" | grep -E '^(lib|zlib)' | grep -vE '^(libllvm|libperl|libz3|libpython|libdebconf|libfreetype|libgd)' | sort -u)
  # Some of the names are virtual: only what has a version can be fetched.
  packages=$(apt-cache policy $packages "$@" | awk '/^[^ ]/ { name = $1; sub(":$", "", name) } /Candidate:/ && $2 != "(none)" { print name }')
  (cd "$work/packages" && apt-get -qq -o APT::Sandbox::User=root download $packages)
  local file
  for file in "$work/packages"/*.deb; do dpkg-deb -x "$file" "$tree"; done
  rm -rf "$work/packages" "$tree"/usr/share/{doc,man,locale,lintian,bug,i18n}
}

update_lists() {
  [[ -z ${lists_are_new:-} ]] || return 0
  command -v apt-get >/dev/null || fail "the real PostgreSQL and nginx come from Debian's packages: apt-get is needed"
  apt-get update -qq || say "the package lists could not be updated; the known ones are used"
  lists_are_new=1
}

postgres() {
  local hash tree name=postgres:15
  hash=$(hash_of <(declare -f postgres unpack skeleton applets import) fixtures/images/postgres/* fixtures/stand-in/tools.rs)
  if is_made "$name" "$hash"; then return; fi
  update_lists
  compile_stand_in
  tree=$(mktemp -d -p "$work")
  unpack "$tree" postgresql-15 postgresql-client-15 tzdata
  skeleton "$tree" postgres:x:999:999::/var/lib/postgresql:/bin/sh
  # JIT needs a compiler of a hundred megabytes.
  rm -rf "$tree"/usr/lib/postgresql/15/lib/{llvmjit*,bitcode} "$tree"/usr/share/postgresql/15/man
  install -m 755 "$work/stand-in" "$tree/usr/bin/gosu"
  install -m 755 fixtures/images/postgres/docker-entrypoint.sh "$tree/usr/local/bin/"
  # Debian's `psql` is a Perl wrapper that chooses among versions.
  local program
  for program in "$tree"/usr/lib/postgresql/15/bin/*; do
    ln -sf "/usr/lib/postgresql/15/bin/${program##*/}" "$tree/usr/local/bin/${program##*/}"
  done
  sed -i "s/^#\?listen_addresses = .*/listen_addresses = '*'/; s/^#\?unix_socket_directories = .*/unix_socket_directories = '\/var\/run\/postgresql'/" \
    "$tree/usr/share/postgresql/15/postgresql.conf.sample"
  mkdir -p "$tree"/{var/lib/postgresql/data,run/postgresql,docker-entrypoint-initdb.d}
  chown -R 999:999 "$tree/var/lib/postgresql" "$tree/run/postgresql"
  applets "$tree" all
  import "$name" "$hash" "$tree" 'ENV PGDATA=/var/lib/postgresql/data' 'ENV LANG=C.UTF-8' 'VOLUME /var/lib/postgresql/data' \
    'EXPOSE 5432' 'STOPSIGNAL SIGINT' 'ENTRYPOINT ["docker-entrypoint.sh"]' 'CMD ["postgres"]'
}

nginx() {
  local hash tree name=nginx:1
  hash=$(hash_of <(declare -f nginx unpack skeleton applets import))
  if is_made "$name" "$hash"; then return; fi
  update_lists
  tree=$(mktemp -d -p "$work")
  unpack "$tree" nginx nginx-common
  skeleton "$tree" www-data:x:33:33::/var/www:/bin/false nginx:x:101:101::/:/bin/false
  # Whom Debian's nginx runs its workers as unless told otherwise.
  echo nogroup:x:65534: >>"$tree/etc/group"
  mkdir -p "$tree"/{var/log/nginx,var/lib/nginx,etc/nginx/certs}
  ln -sf /dev/stdout "$tree/var/log/nginx/access.log"
  ln -sf /dev/stderr "$tree/var/log/nginx/error.log"
  applets "$tree" all
  import "$name" "$hash" "$tree" 'EXPOSE 80' 'STOPSIGNAL SIGQUIT' 'CMD ["nginx","-g","daemon off;"]'
}

# Programs on the right stand in for what the real image has; `apt-get`, `apk`, `pip` and `npm` add others.
stand_in python:3.11-slim slim "python python3 pip apt-get groupadd useradd"
stand_in node:alpine all "node npm npx apk adduser addgroup"
stand_in golang:alpine all "go apk adduser addgroup"
stand_in alpine:3 all "apk adduser addgroup"
stand_in mongo:7 all "mongod mongosh mongodump mongorestore" 'RUN mkdir -p /data/db' 'VOLUME /data/db' 'EXPOSE 27017' 'CMD ["mongod"]'
stand_in questdb:8.2.1 all questdb 'VOLUME /var/lib/questdb' 'EXPOSE 9000 9009 8812' 'CMD ["questdb"]'
stand_in mongo-express:1 all mongo-express 'EXPOSE 8081' 'CMD ["mongo-express"]'
stand_in db-backup:1 all db-backup 'VOLUME /backup' 'CMD ["db-backup"]'
stand_in watchtower:1 slim watchtower 'ENTRYPOINT ["/usr/bin/watchtower"]'
postgres
nginx
