use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::*;
use crate::lint::facts::{AtPath, Listener, NamedService, Owner};
use crate::lint::places::Source;
use crate::model::findings::{HeldPort, ImageFacts};
use crate::model::tokens::{Buffer, HttpCall, TokenRead, TokenRefresh, TokenRule};

/// A stack to be judged: its text for the places, its resolved services for the rest.
struct Case {
    text: &'static str,
    document: Value,
    facts: Facts,
    standing: Standing,
    warnings: Vec<String>,
    production: bool,
}

impl Case {
    fn new(services: Value) -> Self {
        Self {
            text: "services: {}\n",
            document: json!({ "name": "shop", "services": services }),
            facts: Facts { local: true, ..Facts::default() },
            standing: Standing::default(),
            warnings: Vec::new(),
            production: false,
        }
    }

    fn text(self, text: &'static str) -> Self {
        Self { text, ..self }
    }

    /// Writes each finding as `severity rule service line: message`.
    fn found(&self) -> Vec<String> {
        let document = document::parse(&self.document.to_string()).unwrap();
        let places = Places::read(&[Source { path: "compose.yaml".into(), text: self.text.into() }]);
        let subject = Subject {
            document: &document,
            places: &places,
            facts: &self.facts,
            standing: &self.standing,
            warnings: &self.warnings,
            production: self.production,
        };
        let findings = check(&subject);
        for finding in &findings {
            assert!(!finding.why.is_empty() && !finding.fix.is_empty(), "{finding:?}");
            assert!(!finding.fix.ends_with('.') && !finding.why.ends_with('.'), "{finding:?}");
        }
        findings
            .iter()
            .map(|finding| {
                let line = finding.line.map_or_else(|| String::from("-"), |line| line.to_string());
                let service = finding.service.as_deref().unwrap_or("-");
                format!("{} {} {service} {line}: {}", finding.severity.word(), finding.rule, finding.message)
            })
            .collect()
    }
}

#[test]
fn a_calm_stack_has_no_findings() {
    let case = Case::new(json!({ "web": {
        "image": "nginx:1.27", "restart": "unless-stopped",
        "ports": [{ "target": 80, "published": "8080", "protocol": "tcp" }],
        "environment": { "LOG_LEVEL": "info", "API_TOKEN": "from-the-shell-and-long-enough-to-be-one" },
        "healthcheck": { "test": ["CMD", "wget", "-q", "http://localhost"] }
    }}))
    .text("services:\n  web:\n    environment:\n      API_TOKEN: ${API_TOKEN}\n");
    assert_eq!(case.found(), Vec::<String>::new());
}

#[test]
fn variables_that_are_missing_are_found_where_they_are_used() {
    let mut case = Case::new(json!({ "app": {
        "image": "app:1",
        "environment": { "JWT_SECRET": "", "HA_TOKEN": "", "COLOR": "", "API_KEY": null, "NODE_ENV": null }
    }}))
    .text(
        "services:\n  app:\n    environment:\n      - JWT_SECRET=${SYNC_SECRET}\n      - HA_TOKEN=${HA_TOKEN}\n      - COLOR=\n      - API_KEY\n",
    );
    case.warnings = ["SYNC_SECRET", "HA_TOKEN", "HA_TOKEN"]
        .map(|name| format!("The \"{name}\" variable is not set. Defaulting to a blank string."))
        .to_vec();
    assert_eq!(
        case.found(),
        [
            "error env-unset app 4: SYNC_SECRET is not set",
            "warning env-unset app 5: HA_TOKEN is not set",
            "warning env-unset app 7: API_KEY is not set",
        ]
    );
}

#[test]
fn secrets_that_are_short_or_written_down_are_found_and_never_told() {
    let case = Case::new(json!({ "app": { "image": "app:1", "environment": {
        "JWT_SECRET": "hunter2-hunter2", "CLIENT_SECRET": "short", "DB_PASSWORD": "hunter2-hunter2",
        "DATABASE_URL": "postgres://u:hunter2-hunter2@db/x", "PASSWORD_FILE": "/run/secrets/x", "SESSION_SECRET": STAND_IN
    }}}))
    .text(
        "services:\n  app:\n    environment:\n      JWT_SECRET: ${S}\n      CLIENT_SECRET: ${C}\n      DB_PASSWORD: hunter2-hunter2\n      DATABASE_URL: postgres://u:hunter2-hunter2@db/x\n      PASSWORD_FILE: /run/secrets/x\n",
    );
    let found = case.found();
    assert_eq!(
        found,
        [
            "warning secret-short app 4: JWT_SECRET has 15 characters",
            "warning secret-inline app 6: DB_PASSWORD is written into the compose file",
            "warning secret-inline app 7: DATABASE_URL is written into the compose file",
        ]
    );
    assert!(!found.concat().contains("hunter2"));
}

#[test]
fn ports_that_cannot_be_or_are_left_to_chance_are_found() {
    let case = Case::new(json!({
        "a": { "image": "a:1", "environment": { "PORT": "70000", "DB_PORT": "5432" }, "ports": [
            { "target": 80, "published": "99999" }, { "target": 70000, "published": "81" }, { "target": 82 },
            { "target": 90, "published": "9000-9002" } ] },
        "b": { "image": "b:1", "ports": [{ "target": 91, "published": "9001", "host_ip": "127.0.0.1" }] },
        "c": { "image": "c:1", "profiles": ["x"], "ports": [{ "target": 91, "published": 9005 }] },
        "d": { "image": "d:1", "profiles": ["y"], "ports": [{ "target": 91, "published": 9005 }] },
        "e": { "image": "e:1", "deploy": { "replicas": 3 }, "ports": [{ "target": 91 }] }
    }));
    assert_eq!(
        case.found(),
        [
            "error port-range a -: 70000 is no port",
            "error port-range a -: 99999 is no port",
            "error port-range a -: PORT is 70000, which is no port",
            "error port-twice b -: Port 9001 is published by a as well",
            "warning port-random a -: Port 82 is published on a random port of the host",
        ]
    );
}

fn held(id: &str, stack: &str, port: u16, ip: Option<&str>) -> HeldPort {
    HeldPort {
        id: id.into(),
        container: format!("{stack}-{id}"),
        stack: stack.into(),
        host_ip: ip.map(String::from),
        port,
        protocol: "tcp".into(),
    }
}

#[test]
fn a_port_of_somebody_else_is_taken_and_ones_own_is_not() {
    let port =
        |published: u16, ip: &str| json!({ "target": 80, "published": published.to_string(), "host_ip": ip });
    let mut case = Case::new(json!({ "web": { "image": "web:1", "ports": [
        port(8000, ""), port(8001, "127.0.0.1"), port(8002, ""), port(8003, ""), port(8004, ""), port(8005, "127.0.0.1")
    ]}}));
    case.standing.own = vec!["mine".into()];
    case.standing.ports = vec![
        held("mine", "shop", 8000, Some("0.0.0.0")),
        held("other", "blog", 8001, None),
        held("other", "blog", 8005, Some("10.0.0.1")),
    ];
    let listener = |port, name: &str, container: Option<&str>| Listener {
        port,
        protocol: "tcp",
        address: None,
        owner: Some(Owner { pid: 7, name: name.into(), container: container.map(String::from) }),
    };
    case.facts.listeners = vec![
        // The proxy of our own container.
        listener(8000, "docker-proxy", None),
        listener(8002, "sshd", None),
        // On the host's network, but ours.
        listener(8003, "web", Some("mine")),
        Listener { port: 8004, protocol: "tcp", address: None, owner: None },
    ];
    assert_eq!(
        case.found(),
        [
            "error port-taken web -: Port 8001 of this machine is taken by container blog-other of blog",
            "error port-taken web -: Port 8002 of this machine is taken by process sshd (7)",
            "error port-taken web -: Port 8004 of this machine is taken by another process",
        ]
    );
    // An engine elsewhere has other ports.
    case.facts.local = false;
    assert_eq!(case.found().len(), 1);
}

#[test]
fn images_and_dockerfiles_are_judged() {
    let mut case = Case::new(json!({
        "a": { "image": "busybox" },
        "b": { "image": "reg.example:5000/x/y:latest" },
        "c": { "image": "x@sha256:00" },
        "d": { "restart": "always" },
        "e": { "build": { "context": "/srv/gone" }, "image": "e:latest" },
        "f": { "build": { "context": "/srv/f" }, "ports": [{ "target": 81, "published": "8081" }] },
        "g": { "image": "g:1", "user": "root" },
        "h": { "image": "h:1" },
        "i": { "image": "postgres:16" }
    }));
    let dockerfile = PathBuf::from("/srv/f/Dockerfile");
    case.facts.paths = BTreeMap::from([
        (PathBuf::from("/srv/gone"), AtPath::Missing),
        (PathBuf::from("/srv/f"), AtPath::Folder),
        (dockerfile.clone(), AtPath::File { readable: true, mode: 0o644, owner: 0 }),
    ]);
    case.facts.dockerfiles = BTreeMap::from([(dockerfile, String::from("FROM x\nEXPOSE 80\nUSER app\n"))]);
    let root = ImageFacts::default();
    case.facts.images = BTreeMap::from([("h:1".into(), root.clone()), ("postgres:16".into(), root)]);
    assert_eq!(
        case.found(),
        [
            "error image-missing d -: It has neither an image nor a build",
            "error dockerfile-missing e -: The build context /srv/gone does not exist",
            "warning image-latest a -: Image busybox has no tag, which means latest",
            "warning image-latest b -: Image reg.example:5000/x/y:latest has the tag latest",
            "warning port-disagrees f -: Port 81 is published, the Dockerfile exposes 80",
            "warning user-root g -: user: says root",
            "warning user-root h -: Its image names no user, so it runs as root",
        ]
    );
}

#[test]
fn dependencies_that_cannot_be_met_are_found() {
    let on = |name: &str, condition: &str| json!({ name: { "condition": condition } });
    let mut case = Case::new(json!({
        "api": { "image": "a:1", "depends_on": on("db", "service_healthy") },
        "db": { "image": "db:1" },
        "job": { "image": "j:1", "depends_on": on("nobody", "service_started") },
        "x": { "image": "x:1", "depends_on": on("y", "service_started") },
        "y": { "image": "y:1", "depends_on": on("x", "service_started") },
        "z": { "image": "z:1", "depends_on": on("off", "service_healthy") },
        "off": { "image": "o:1", "healthcheck": { "test": ["NONE"] } }
    }));
    assert_eq!(
        case.found(),
        [
            "error depends-unknown job -: It depends on nobody, which is no service",
            "error depends-cycle x -: Services wait for each other: x → y → x",
            "error healthy-without-check z -: It waits until off is healthy, but off has no health check",
            "warning healthy-without-check api -: It waits until db is healthy, but db has no health check unless its image brings one",
        ]
    );
    let facts =
        |has_health_check| ImageFacts { has_health_check, user: "app".into(), ..ImageFacts::default() };
    case.facts.images = BTreeMap::from([("db:1".into(), facts(true))]);
    assert!(!case.found().concat().contains(" api "));
    case.facts.images = BTreeMap::from([("db:1".into(), facts(false))]);
    assert!(case.found().concat().contains("error healthy-without-check api"));
}

#[test]
fn a_health_check_needs_its_program_in_the_image() {
    let test = json!({ "test": ["CMD-SHELL", "curl -f http://localhost || exit 1"] });
    let mut case = Case::new(json!({
        "web": { "image": "web:1", "healthcheck": test },
        "own": { "image": "web:1", "healthcheck": { "test": ["CMD", "/checks/own"] },
                 "volumes": [{ "type": "volume", "source": "checks", "target": "/checks" }] },
        "gone": { "image": "gone:1", "healthcheck": test }
    }));
    let document = document::parse(&case.document.to_string()).unwrap();
    let asked: Vec<String> = questions(&document).images["web:1"].iter().cloned().collect();
    assert_eq!(asked, ["/bin/sh", "curl"]);
    let programs = BTreeMap::from([("/bin/sh".into(), true), ("curl".into(), false)]);
    let facts = ImageFacts { programs, user: "app".into(), ..ImageFacts::default() };
    case.facts.images = BTreeMap::from([("web:1".into(), facts)]);
    assert_eq!(
        case.found(),
        ["error health-program-missing web -: The health check calls curl, which image web:1 does not have"]
    );
}

#[test]
fn mounts_and_secrets_are_judged() {
    let bind = |source: &str, target: &str| json!({ "type": "bind", "source": source, "target": target, "bind": { "create_host_path": true } });
    let mut case = Case::new(json!({ "web": {
        "image": "web:1", "user": "1000:1000",
        "volumes": [
            bind("/srv/data", "/data"), bind("/srv/nginx.conf", "/etc/nginx/nginx.conf"), bind("/srv/a.yml", "/a.yml"),
            bind("/var/run/docker.sock", "/var/run/docker.sock")
        ],
        "secrets": [{ "source": "a" }, { "source": "b" }, { "source": "c" }]
    }}));
    case.document["secrets"] =
        json!({ "a": { "file": "/srv/a" }, "b": { "file": "/srv/b" }, "c": { "environment": "C" } });
    case.facts.paths = BTreeMap::from([
        (PathBuf::from("/srv/data"), AtPath::Missing),
        (PathBuf::from("/srv/nginx.conf"), AtPath::Missing),
        (PathBuf::from("/srv/a.yml"), AtPath::Folder),
        (PathBuf::from("/srv/a"), AtPath::Missing),
        (PathBuf::from("/srv/b"), AtPath::File { readable: true, mode: 0o600, owner: 0 }),
    ]);
    assert_eq!(
        case.found(),
        [
            "error bind-kind web -: /srv/a.yml is a folder, /a.yml looks like a file",
            "error bind-missing web -: /srv/nginx.conf does not exist on the host",
            "error secret-unreadable web -: /srv/a does not exist",
            "warning docker-socket web -: /var/run/docker.sock is mounted writable",
            "warning secret-unreadable web -: /srv/b cannot be read by user 1000, whom the service runs as",
            "info bind-missing web -: /srv/data does not exist on the host",
        ]
    );
}

#[test]
fn production_wants_restart_policies_and_replicas_no_names() {
    let mut case = Case::new(json!({
        "api": { "image": "a:1", "depends_on": { "migrations": { "condition": "service_completed_successfully" } } },
        "migrations": { "image": "a:1" },
        "said": { "image": "a:1", "restart": "no" },
        "named": { "image": "a:1", "restart": "always", "container_name": "x", "scale": 2,
                   "profiles": ["tools"] }
    }));
    case.facts.profiles = vec![("tool".into(), Some("/srv/.env".into())), ("tools".into(), None)];
    let named = "error container-name-replicas named -: It has a container_name and 2 replicas";
    let profile = "warning profile-unknown - -: COMPOSE_PROFILES switches on tool, which no service has";
    assert_eq!(case.found(), [named, profile]);
    case.production = true;
    assert_eq!(
        case.found(),
        [named, profile, "warning restart-missing api -: It has no restart policy in production"]
    );
}

#[test]
fn services_that_let_everyone_in_are_warned_of() {
    let case = Case::new(json!({
        "a": { "image": "mongo-express:1.0", "environment": { "ME_CONFIG_BASICAUTH": "false" } },
        "b": { "image": "mongo:7", "ports": [{ "target": 27017, "published": "27017" }] },
        "c": { "image": "mongo:7" },
        "d": { "image": "postgres:16", "environment": { "POSTGRES_HOST_AUTH_METHOD": "trust", "POSTGRES_PASSWORD": "" } }
    }))
    .text("services:\n  a:\n    environment:\n      - ME_CONFIG_BASICAUTH=false\n");
    assert_eq!(
        case.found(),
        [
            "warning auth-missing b -: mongo is published without authentication",
            "warning auth-missing d -: postgres trusts every connection",
            "warning auth-missing a 4: mongo-express runs without authentication",
        ]
    );
}

#[test]
fn refusals_are_sorted_by_rule_and_found_in_the_file() {
    let text = "services:\n  app:\n    imagee: x\n    ports: [\"99999:80\"]\n    environment:\n      - J=${JWT_SECRET:?}\n    env_file: ./nope.env\n    depends_on: [gone]\n";
    let places = Places::read(&[Source { path: "c.yaml".into(), text: text.into() }]);
    let told = |words: &str| {
        let findings = refusal::findings(words, &places);
        assert_eq!(findings.len(), 1);
        let found = &findings[0];
        assert_eq!(found.message, words);
        format!("{} {} {}", found.rule, found.service.as_deref().unwrap_or("-"), found.place())
    };
    let cases = [
        (
            "validating /a/c.yaml: services.app Additional property imagee is not allowed",
            "field-unknown app c.yaml:3",
        ),
        ("Invalid hostPort: 99999", "port-range - c.yaml:4"),
        (
            "error while interpolating services.app.environment.[]: required variable JWT_SECRET is missing a value: set it",
            "env-unset app c.yaml:6",
        ),
        (
            "env file /a/nope.env not found: stat /a/nope.env: no such file or directory",
            "env-file-missing - c.yaml:7",
        ),
        (
            "service \"app\" depends on undefined service \"gone\": invalid compose project",
            "depends-unknown app c.yaml:8",
        ),
        ("dependency cycle detected: app -> b -> app", "depends-cycle app c.yaml:8"),
        ("validating /a/c.yaml: services.app.ports must be a list", "compose-refused app c.yaml:4"),
        (
            "service \"app\" has neither an image nor a build context specified: x",
            "image-missing app c.yaml:2",
        ),
        ("open /a/base.yaml: no such file or directory", "file-missing - c.yaml"),
        (
            "services.deploy.replicas: can't set container_name and app as container name must be unique",
            "container-name-replicas app c.yaml:2",
        ),
        ("empty compose file", "compose-refused - c.yaml"),
    ];
    for (words, wanted) in cases {
        assert_eq!(told(words), wanted);
    }
    assert_eq!(refusal::required_variable(cases[2].0), Some("JWT_SECRET"));
}

#[test]
fn hostile_names_are_cleaned() {
    let case = Case::new(json!({ "a\u{1b}[31mb\n": { "image": "x\u{7}:latest" } }));
    let found = case.found().concat();
    assert!(found.contains("image-latest") && !found.contains(['\u{1b}', '\u{7}', '\n']), "{found:?}");
}

#[test]
fn rules_have_lasting_names_of_their_own() {
    let mut names: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
    for rule in RULES {
        assert!(rule.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", rule.name);
        assert!(rule.why.len() > 20 && !rule.why.ends_with('.'), "{}", rule.why);
    }
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
    assert_eq!(rule("env-unset").map(|rule| rule.name), Some("env-unset"));
}

/// A rule that says all of its calls go to this address.
fn token(url: &str) -> tokens::WrittenRule {
    let call = |url: &str| HttpCall {
        method: String::from("POST"),
        url: url.to_owned(),
        headers: BTreeMap::new(),
        body: None,
    };
    let rule = TokenRule {
        name: String::from("cloud"),
        service: Some("api".into()),
        read: TokenRead::Env(String::from("T")),
        expires: None,
        issued: None,
        value: None,
        each: None,
        label: None,
        buffer: Buffer::Fixed(std::time::Duration::from_mins(5)),
        refresh: Some(TokenRefresh::Http(call(url))),
        auto_refresh: false,
        authorize: None,
    };
    let text = format!("[[token]]\nname = \"cloud\"\nrefresh = {{ http = \"POST {url}\" }}\n");
    tokens::WrittenRule { rule, file: Some(String::from("stackdash.toml")), text }
}

#[test]
fn a_token_that_travels_in_the_open_is_found_unless_it_stays_at_home() {
    let services = json!({ "api": { "image": "api:1", "restart": "always", "container_name": "api.home" } });
    let found = |url: &str| {
        let mut case = Case::new(services.clone());
        case.facts.tokens = vec![token(url)];
        case.found()
    };
    for near in [
        "https://auth.example/token",
        "http://localhost:8000/refresh",
        "http://127.0.0.1/refresh",
        "http://[::1]:8000/refresh",
        "http://api:8000/refresh",
        "http://api.home/refresh",
        "http://host.docker.internal/refresh",
    ] {
        assert_eq!(found(near), Vec::<String>::new(), "{near}");
    }
    for far in [
        "http://me:s3cret@auth.example/token?key=s3cret",
        "HTTP://192.168.1.7:80/x",
        "http://127.0.0.1.example/",
    ] {
        let found = found(far);
        assert!(
            found[0].starts_with(
                "warning token-plain-http api 3: The token cloud is refreshed over plain http at "
            )
        );
        assert!(!found[0].contains("s3cret"), "{found:?}");
    }
}

#[test]
fn a_rule_about_a_service_that_is_not_there_is_found() {
    let named = |service: &str| NamedService {
        what: String::from("token cloud"),
        service: service.to_owned(),
        file: String::from("/srv/stackdash.toml"),
        line: Some(3),
    };
    let mut case = Case::new(json!({ "api": { "image": "api:1", "restart": "always" } }));
    case.facts.named = vec![named("api"), named("gatway")];
    assert_eq!(
        case.found(),
        ["warning stackdash-service - 3: The token cloud names the service gatway, which the stack has not"]
    );
}
