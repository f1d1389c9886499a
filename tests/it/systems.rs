//! The five systems' own files, as far as they can be judged without an engine.

use std::path::PathBuf;

use stackdash::config::stack_file;

fn systems() -> Vec<PathBuf> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/stacks");
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|folder| folder.join("stackdash.toml").exists());
    folders.sort();
    folders
}

#[test]
fn each_stack_file_is_read_without_a_fault_and_names_files_that_are_there() {
    let systems = systems();
    assert!(!systems.is_empty());
    for folder in systems {
        let file = folder.join("stackdash.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let mut read = stack_file::parse(&file, &text).unwrap_or_else(|faults| panic!("{faults}"));
        stack_file::variables::fill_in(&mut read, &|_| None).unwrap();
        for path in read.variants.iter().flat_map(|variant| &variant.files) {
            assert!(path.is_file(), "{} names {}", file.display(), path.display());
        }
        let compose = ["docker-compose.yml", "docker-compose.prod.yml"].map(|name| folder.join(name));
        let compose: String = compose.iter().filter_map(|file| std::fs::read_to_string(file).ok()).collect();
        let services = read.probes.iter().map(|probe| &probe.service);
        let services = services.chain(read.tokens.iter().filter_map(|token| token.service.as_ref()));
        for service in services.chain(read.logs.iter().map(|log| &log.service)) {
            assert!(
                compose.contains(&format!("\n  {service}:\n")),
                "{}: no service {service}",
                file.display()
            );
        }
    }
}
