use serde_json::json;

use super::*;

#[test]
fn podman_is_told_from_docker_by_its_components() {
    let info = json!({"Name": "lab01", "NCPU": 4, "MemTotal": 8, "SystemTime": "2026-11-20T16:00:00.5Z"});
    let flavor = |version: &Value| info::of(String::new(), true, Json(version), Json(&info)).flavor;
    assert_eq!(flavor(&json!({"Components": [{"Name": "Podman Engine"}]})), "podman");
    assert_eq!(flavor(&json!({"Components": [{"Name": "Engine"}, {"Name": "containerd"}]})), "docker");
    let said = info::of(String::new(), true, Json(&json!({"ApiVersion": "1.41"})), Json(&info));
    assert_eq!((said.api.as_str(), said.cpus, said.name.as_str()), ("1.41", 4, "lab01"));
    assert!(said.time.is_some());
}

#[test]
fn only_an_id_becomes_part_of_a_path() {
    assert!(container_path(&ContainerId::new("../images"), "json").is_err());
    assert!(container_path(&ContainerId::new("a?b"), "json").is_err());
    assert_eq!(container_path(&ContainerId::new("c0ffee"), "json").unwrap(), "/containers/c0ffee/json");
}

#[test]
fn a_stop_may_take_its_own_timeout_and_some_more() {
    let engine = DockerEngine::at(Endpoint::Unix("/nowhere.sock".into()));
    let id = ContainerId::new("c0ffee");
    assert_eq!(engine.stop_limit(&id), Duration::from_mins(2));
    engine.stop_timeouts.lock().unwrap().insert(id.clone(), 300);
    assert_eq!(engine.stop_limit(&id), Duration::from_secs(330));
}

#[tokio::test]
async fn a_missing_socket_is_an_error_that_names_it() {
    let engine = DockerEngine::at(Endpoint::Unix("/nowhere/docker.sock".into()));
    assert!(engine.is_local() && engine.client().is_none());
    let error = engine.connect().await.unwrap_err();
    assert!(
        matches!(&error, EngineError::Unreachable(text) if text.contains("/nowhere/docker.sock")),
        "{error}"
    );
    assert!(engine.list().await.is_err());
}
