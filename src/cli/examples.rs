//! Examples at the end of each command's help, and in the manual. Short lines: the shortest terminal shows them whole.

pub const DASH: &str = "\
Examples:
  stackdash                        the dashboard: this folder's stack, and all that runs
  stackdash demo                   the same without Docker, to look around
  stackdash ~/lab/compose.yml      one stack alone
  stackdash up && stackdash wait   bring up this folder's stack, wait until it is ready
  stackdash -H ssh://me@lab        the engine of another machine

Exit status: 0 done, 1 tried and failed, 2 unusable input, 3 no engine answers";

pub const STATUS: &str = "\
Examples:
  stackdash status
  stackdash status -f compose.yml          also what was never created
  stackdash status -p shop --format json | jq '.stacks[0].state'";

pub const CHECK: &str = "\
Examples:
  stackdash check || notify-send \"$(stackdash check)\"
  stackdash check -p shop --format json | jq -r '.problems[].what'

Exit status: 0 ok, 1 warning, 2 critical, 3 unknown: no engine answers, or the
command line or a configuration cannot be used";

pub const LINT: &str = "\
Examples:
  stackdash lint
  stackdash lint ~/lab --variant prod
  stackdash lint --format json | jq '.findings[] | select(.severity == \"error\")'

Needs the Compose CLI; with an engine it looks into images and at ports too.
Exit status: 0 no errors, 1 errors, 2 the input cannot be used";

pub const TOKENS: &str = "\
Examples:
  stackdash tokens
  stackdash tokens refresh shop/oauth
  stackdash tokens authorize work --timeout 5m

[[token]] in the stackdash.toml beside the compose file names them, or labels do.";

pub const UP: &str = "\
Examples:
  stackdash up                     this folder's stack
  stackdash up api worker
  stackdash up --profile tools     with what stands behind a profile
  stackdash up --variant prod      with the files that stackdash.toml calls prod
  stackdash up --scale worker=3";

pub const DOWN: &str = "\
Examples:
  stackdash down                   asks first
  stackdash down --yes -p shop
  stackdash down --volumes         asks for the word yes: the data goes too
  stackdash down --profile tools   only what stands behind a profile";

pub const RUN: &str = "\
Examples:
  stackdash run                    lists the actions
  stackdash run backup-now
  stackdash run restore file=monday.archive --yes";

pub const LOGS: &str = "\
Examples:
  stackdash logs api worker -f
  stackdash logs --since 10m --level warn
  stackdash logs -p shop --grep 'timeout|refused'
  stackdash logs api --format json | jq -r .message";

pub const EVENTS: &str = "\
Examples:
  stackdash events --since 2h
  stackdash events -p shop -f
  stackdash events --format json | jq -r 'select(.severity == \"error\") | .text'";

pub const WAIT: &str = "\
Examples:
  stackdash up && stackdash wait --timeout 2m && ./run-tests
  stackdash wait api";

pub const WATCH: &str = "\
Examples:
  stackdash watch
  stackdash watch web --format json | jq -r .phase";

pub const COMPLETIONS: &str = "\
Examples:
  stackdash completions bash > ~/.local/share/bash-completion/completions/stackdash
  stackdash completions zsh  > ~/.zfunc/_stackdash
  stackdash completions fish > ~/.config/fish/completions/stackdash.fish";
