use std::collections::BTreeMap;

use super::*;

/// A machine made of two tables.
#[derive(Default)]
struct Table {
    env: BTreeMap<&'static str, &'static str>,
    files: BTreeMap<PathBuf, &'static str>,
}

impl Table {
    fn new(env: &[(&'static str, &'static str)], files: &[(&'static str, &'static str)]) -> Self {
        Self {
            env: env.iter().copied().collect(),
            files: files.iter().map(|(path, text)| (PathBuf::from(path), *text)).collect(),
        }
    }
}

impl Surroundings for Table {
    fn env(&self, name: &str) -> Option<String> {
        self.env.get(name).filter(|value| !value.is_empty()).map(|value| (*value).to_owned())
    }

    fn exists(&self, path: &Path) -> bool {
        self.files.keys().any(|file| file.starts_with(path))
    }

    fn read(&self, path: &Path) -> Option<String> {
        self.files.get(path).map(|text| (*text).to_owned())
    }

    fn list(&self, folder: &Path) -> Vec<PathBuf> {
        let mut children: Vec<PathBuf> = self
            .files
            .keys()
            .filter_map(|file| Some(folder.join(file.strip_prefix(folder).ok()?.components().next()?)))
            .collect();
        children.dedup();
        children
    }
}

const LAB: (&str, &str) = (
    "/h/.docker/contexts/meta/aaa/meta.json",
    r#"{"Name":"lab","Endpoints":{"docker":{"Host":"tcp://lab01","SkipTLSVerify":false}}}"#,
);
const FAR: (&str, &str) = (
    "/h/.docker/contexts/meta/bbb/meta.json",
    r#"{"Name":"far","Endpoints":{"docker":{"Host":"ssh://ops@far:2222"}}}"#,
);
const LAB_CA: (&str, &str) = ("/h/.docker/contexts/tls/aaa/docker/ca.pem", "");
const CURRENT_FAR: (&str, &str) = ("/h/.docker/config.json", r#"{"currentContext":"far"}"#);

fn choice(host: Option<&str>, context: Option<&str>) -> EndpointChoice {
    EndpointChoice { host: host.map(str::to_owned), context: context.map(str::to_owned) }
}

fn shown(choice: &EndpointChoice, table: &Table) -> String {
    match resolve(choice, table) {
        Ok(endpoint) => endpoint.to_string(),
        Err(error) => format!("error: {error}"),
    }
}

#[test]
fn nearer_wins_as_with_the_docker_cli() {
    let env = [("HOME", "/h"), ("DOCKER_HOST", "tcp://env:1"), ("DOCKER_CONTEXT", "lab")];
    let files = [LAB, FAR, CURRENT_FAR, ("/var/run/docker.sock", "")];
    let all = Table::new(&env, &files);
    let flag_host = choice(Some("unix:///flag.sock"), None);
    assert_eq!(shown(&flag_host, &all), "unix:///flag.sock");
    assert_eq!(shown(&choice(None, Some("far")), &all), "ssh://ops@far:2222");
    assert_eq!(shown(&choice(None, Some("default")), &all), "tcp://env:1");
    assert_eq!(shown(&choice(None, None), &all), "tcp://env:1");

    let without_host = Table::new(&[("HOME", "/h"), ("DOCKER_CONTEXT", "lab")], &files);
    assert_eq!(shown(&choice(None, None), &without_host), "tcp://lab01:2375");
    assert_eq!(shown(&choice(None, Some("default")), &without_host), "unix:///var/run/docker.sock");
    let current = Table::new(&[("HOME", "/h"), ("DOCKER_HOST", "")], &files);
    assert_eq!(shown(&choice(None, None), &current), "ssh://ops@far:2222");
    let nothing = Table::new(&[("HOME", "/h")], &[LAB, FAR]);
    assert_eq!(shown(&choice(None, None), &nothing), "unix:///var/run/docker.sock");
}

#[test]
fn host_and_context_together_are_refused() {
    let said = shown(&choice(Some("unix:///a"), Some("lab")), &Table::default());
    assert!(said.starts_with("error: --host and --context exclude each other"), "{said}");
}

#[test]
fn an_unknown_context_names_the_known_ones() {
    let table = Table::new(&[("HOME", "/h")], &[LAB, FAR]);
    let said = shown(&choice(None, Some("prod")), &table);
    assert_eq!(said, "error: no context \"prod\" (from --context); known: default, far, lab");
}

#[test]
fn docker_config_moves_the_folder() {
    let meta = r#"{"Name":"x","Endpoints":{"docker":{"Host":"unix:///x.sock"}}}"#;
    let table = Table::new(
        &[("HOME", "/h"), ("DOCKER_CONFIG", "/else")],
        &[
            CURRENT_FAR,
            FAR,
            ("/else/config.json", r#"{"currentContext":"x"}"#),
            ("/else/contexts/meta/1/meta.json", meta),
        ],
    );
    assert_eq!(shown(&choice(None, None), &table), "unix:///x.sock");
}

#[test]
fn a_context_brings_its_certificates_and_tls_moves_the_port() {
    let table = Table::new(&[("HOME", "/h")], &[LAB, LAB_CA]);
    let endpoint = resolve(&choice(None, Some("lab")), &table).unwrap();
    let tls = Some(PathBuf::from("/h/.docker/contexts/tls/aaa/docker"));
    assert_eq!(endpoint, Endpoint::Tcp { url: String::from("tcp://lab01:2376"), tls });
}

#[test]
fn tls_comes_by_environment() {
    let host = choice(Some("tcp://box"), None);
    let tls_of = |env: &[(&'static str, &'static str)]| match resolve(&host, &Table::new(env, &[])) {
        Ok(Endpoint::Tcp { url, tls }) => (url, tls),
        other => panic!("{other:?}"),
    };
    assert_eq!(tls_of(&[("DOCKER_CERT_PATH", "/c")]), (String::from("tcp://box:2375"), None));
    let verified = tls_of(&[("DOCKER_CERT_PATH", "/c"), ("DOCKER_TLS_VERIFY", "1")]);
    assert_eq!(verified, (String::from("tcp://box:2376"), Some(PathBuf::from("/c"))));
    let home = tls_of(&[("HOME", "/h"), ("DOCKER_TLS_VERIFY", "1")]);
    assert_eq!(home.1, Some(PathBuf::from("/h/.docker")));
}

#[test]
fn the_first_socket_that_exists_is_taken() {
    let env = [("HOME", "/h"), ("XDG_RUNTIME_DIR", "/run/user/7")];
    for socket in [
        "/run/podman/podman.sock",
        "/run/user/7/podman/podman.sock",
        "/h/.docker/run/docker.sock",
        "/run/user/7/docker.sock",
        "/var/run/docker.sock",
    ] {
        let table = Table::new(&env, &[(socket, ""), ("/run/podman/podman.sock", "")]);
        assert_eq!(shown(&choice(None, None), &table), format!("unix://{socket}"));
    }
}

#[test]
fn ports_and_brackets_are_kept() {
    for (given, expected) in [
        ("tcp://h:99", "tcp://h:99"),
        ("tcp://h:99/", "tcp://h:99"),
        ("tcp://[::1]", "tcp://[::1]:2375"),
        ("tcp://[::1]:7", "tcp://[::1]:7"),
        ("http://h:80", "http://h:80"),
        ("ssh://[fe80::1]:22", "ssh://fe80::1:22"),
    ] {
        assert_eq!(shown(&choice(Some(given), None), &Table::default()), expected);
    }
}

#[test]
fn nonsense_is_refused_with_the_known_forms() {
    for given in [
        "/var/run/docker.sock",
        "docker",
        "fd://",
        "npipe:////./pipe/docker_engine",
        "unix://",
        "tcp://",
        "tcp://host/path",
        "tcp://user:word@host",
        "ssh://",
        "ssh://-oProxyCommand=x",
        "ssh://-l@host",
        "ssh://user:word@host",
        "ssh://host:port",
        "",
    ] {
        let error = resolve(&choice(Some(given), None), &Table::default()).unwrap_err();
        assert!(
            matches!(&error, EngineError::BadEndpoint(text) if text.contains(KNOWN_FORMS)),
            "{given}: {error}"
        );
    }
}
