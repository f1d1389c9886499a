//! Where things stand in the compose files: keys and their lines, for people to go to.
//!
//! Only positions and the unresolved text of scalars; what the files mean is Compose's to say. Anchors are
//! not followed, so that no bomb of aliases can go off here.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser};

/// Nodes of one file that are looked at.
const NODES: usize = 200_000;
/// Steps from service to service along `extends`.
const EXTENDS: usize = 8;

/// The text of one compose file.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// As it is shown.
    pub path: String,
    pub text: String,
}

/// A file and a line of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub file: Option<String>,
    /// Counted from 1.
    pub line: Option<u32>,
}

/// A file that is no YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub place: Place,
    pub what: String,
}

#[derive(Clone, Debug)]
struct Node {
    line: u32,
    /// The text of a scalar, before anything was put into it.
    text: Option<String>,
}

type Nodes = BTreeMap<Vec<String>, Node>;

#[derive(Debug, Default)]
struct File {
    path: String,
    /// By the keys that lead there.
    nodes: Nodes,
}

/// Places in all files of a stack.
#[derive(Debug, Default)]
pub struct Places {
    /// In the order in which Compose reads them: later ones win.
    files: Vec<File>,
    /// Number of files that are only named by others; they come first.
    extra: usize,
    pub faults: Vec<Fault>,
}

impl Places {
    pub fn read(sources: &[Source]) -> Self {
        Self::read_with(&[], sources)
    }

    /// Reads the stack's files, and before them those that they name.
    pub fn read_with(extra: &[Source], main: &[Source]) -> Self {
        let mut places = Self { extra: extra.len(), ..Self::default() };
        for source in extra.iter().chain(main) {
            let (nodes, fault) = nodes_of(&source.text);
            if let Some((line, what)) = fault {
                let place = Place { file: Some(source.path.clone()), line: Some(line) };
                places.faults.push(Fault { place, what });
            }
            places.files.push(File { path: source.path.clone(), nodes });
        }
        places
    }

    /// Returns the stack's first file.
    pub fn stack(&self) -> Place {
        Place { file: self.files.get(self.extra).map(|file| file.path.clone()), line: None }
    }

    /// Returns the place of a top-level key's member: `secrets`, `token`.
    pub fn top(&self, path: &[&str]) -> Place {
        self.find(path).map_or_else(|| self.stack(), |(place, _)| place)
    }

    /// Returns the place of a service's key, or of the service where the key is not written.
    pub fn of(&self, service: &str, keys: &[&str]) -> Place {
        self.deep(service, keys).map_or_else(|| self.service(service), |(place, _)| place)
    }

    pub fn service(&self, service: &str) -> Place {
        self.find(&["services", service]).map_or_else(|| self.stack(), |(place, _)| place)
    }

    /// Returns the n-th item of a service's list.
    pub fn item(&self, service: &str, key: &str, index: usize) -> Place {
        self.of(service, &[key, &index.to_string()])
    }

    /// Returns the first item of a service's list whose text a test accepts, else the list.
    pub fn item_with(&self, service: &str, key: &str, test: impl Fn(&str) -> bool) -> Place {
        for file in self.files.iter().rev() {
            let path: Vec<String> = ["services", service, key].map(String::from).to_vec();
            let inside = file.nodes.range(path.clone()..).take_while(|(at, _)| at.starts_with(&path));
            for (_, node) in inside {
                if node.text.as_deref().is_some_and(&test) {
                    return place(file, node);
                }
            }
        }
        self.of(service, &[key])
    }

    /// Returns where a variable of a service's environment is written, and its unresolved text.
    /// `None`: not in a compose file (it comes from a file of variables).
    pub fn environment(&self, service: &str, name: &str) -> Option<(Place, &str)> {
        if let Some((place, text)) = self.deep(service, &["environment", name]) {
            return Some((place, text.unwrap_or_default()));
        }
        let path: Vec<String> = ["services", service, "environment"].map(String::from).to_vec();
        for file in self.files.iter().rev() {
            let items = file.nodes.range(path.clone()..).take_while(|(at, _)| at.starts_with(&path));
            for (_, node) in items {
                let Some(text) = &node.text else { continue };
                let (key, value) = text.split_once('=').unwrap_or((text, ""));
                if key == name {
                    return Some((place(file, node), value));
                }
            }
        }
        None
    }

    /// Returns where a variable is put in for the first time, and into which service.
    pub fn variable(&self, name: &str) -> (Place, Option<&str>) {
        self.first_with(|text| mentions(text, name))
    }

    fn first_with(&self, test: impl Fn(&str) -> bool) -> (Place, Option<&str>) {
        for file in &self.files {
            let found = file.nodes.iter().filter(|(_, node)| node.text.as_deref().is_some_and(&test));
            if let Some((path, node)) = found.min_by_key(|(_, node)| node.line) {
                let inside = path.first().is_some_and(|key| key == "services");
                let service = path.get(1).filter(|_| inside).map(String::as_str);
                return (place(file, node), service);
            }
        }
        (self.stack(), None)
    }

    /// Returns where a text first stands in a value, and in which service.
    pub fn value(&self, wanted: &str) -> (Place, Option<&str>) {
        if wanted.is_empty() {
            return (self.stack(), None);
        }
        self.first_with(|text| text.contains(wanted))
    }

    /// Finds a service's key, in the service that it extends too.
    fn deep(&self, service: &str, keys: &[&str]) -> Option<(Place, Option<&str>)> {
        let mut name = service.to_owned();
        for _ in 0..EXTENDS {
            let path: Vec<&str> =
                ["services", name.as_str()].into_iter().chain(keys.iter().copied()).collect();
            if let Some(found) = self.find(&path) {
                return Some(found);
            }
            let of_long = self.find(&["services", &name, "extends", "service"]);
            let (_, next) = of_long.or_else(|| self.find(&["services", &name, "extends"]))?;
            let next = next?.to_owned();
            if next == name {
                // The same name in another file was looked at with all files.
                return None;
            }
            name = next;
        }
        None
    }

    fn find(&self, path: &[&str]) -> Option<(Place, Option<&str>)> {
        let path: Vec<String> = path.iter().map(|key| (*key).to_owned()).collect();
        self.files.iter().rev().find_map(|file| {
            let node = file.nodes.get(&path)?;
            Some((place(file, node), node.text.as_deref()))
        })
    }

    /// Returns the files that a file names beside itself: `include` and `extends`.
    pub fn further(&self) -> Vec<String> {
        let mut found = Vec::new();
        for file in &self.files {
            for (path, node) in &file.nodes {
                let Some(text) = &node.text else { continue };
                let keys: Vec<&str> = path.iter().map(String::as_str).collect();
                let named = matches!(
                    keys.as_slice(),
                    ["include", _]
                        | ["include", _, "path"]
                        | ["include", _, "path", _]
                        | ["services", _, "extends", "file"]
                );
                if named {
                    found.push(text.clone());
                }
            }
        }
        found
    }
}

fn place(file: &File, node: &Node) -> Place {
    Place { file: Some(file.path.clone()), line: Some(node.line) }
}

/// Whether a text puts a variable in: `$NAME`, `${NAME}`, `${NAME:-…}`.
pub fn mentions(text: &str, name: &str) -> bool {
    text.match_indices('$').any(|(at, _)| {
        let rest = &text[at + 1..];
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        rest.strip_prefix(name)
            .is_some_and(|after| !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
    })
}

/// One open collection while reading.
enum Open {
    Mapping { key: Option<String> },
    Sequence { next: usize },
}

/// Reads the positions of all nodes; a broken file gives those before the fault.
fn nodes_of(text: &str) -> (Nodes, Option<(u32, String)>) {
    let mut nodes = BTreeMap::new();
    let mut path: Vec<String> = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let mut parser = Parser::new_from_str(text);
    let mut documents = 0;
    while let Some(next) = parser.next_event() {
        let (event, span) = match next {
            Ok(next) => next,
            Err(error) => {
                return (nodes, Some((error.marker().line().max(1) as u32, error.info().to_owned())));
            }
        };
        let line = span.start.line().max(1) as u32;
        match event {
            Event::DocumentStart(_) => {
                documents += 1;
                // Compose merges several documents; their places would be mixed up.
                if documents > 1 {
                    break;
                }
            }
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                enter(&mut nodes, &mut path, &mut open, line, None);
                open.push(match event {
                    Event::MappingStart(..) => Open::Mapping { key: None },
                    _ => Open::Sequence { next: 0 },
                });
            }
            Event::MappingEnd | Event::SequenceEnd => {
                open.pop();
                leave(&mut path, &mut open);
            }
            Event::Scalar(value, ..) => {
                if let Some(Open::Mapping { key: key @ None }) = open.last_mut() {
                    *key = Some(value.to_string());
                    path.push(value.into_owned());
                    nodes.insert(path.clone(), Node { line, text: None });
                } else {
                    enter(&mut nodes, &mut path, &mut open, line, Some(value.into_owned()));
                    leave(&mut path, &mut open);
                }
            }
            Event::Alias(_) => {
                enter(&mut nodes, &mut path, &mut open, line, None);
                leave(&mut path, &mut open);
            }
            _ => {}
        }
        if nodes.len() > NODES {
            break;
        }
    }
    (nodes, None)
}

/// Notes a value: that of a key keeps the key's line.
fn enter(nodes: &mut Nodes, path: &mut Vec<String>, open: &mut [Open], line: u32, text: Option<String>) {
    match open.last_mut() {
        Some(Open::Mapping { key }) => {
            // A mapping as a key is no compose file; it only must not lead astray.
            if key.is_none() {
                *key = Some(String::new());
                path.push(String::new());
            }
            if let Some(node) = nodes.get_mut(path) {
                node.text = text;
            }
        }
        Some(Open::Sequence { next }) => {
            path.push(next.to_string());
            *next += 1;
            nodes.insert(path.clone(), Node { line, text });
        }
        None => {}
    }
}

fn leave(path: &mut Vec<String>, open: &mut [Open]) {
    match open.last_mut() {
        Some(Open::Mapping { key }) => {
            *key = None;
            path.pop();
        }
        Some(Open::Sequence { .. }) => {
            path.pop();
        }
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(files: &[(&str, &str)]) -> Places {
        let sources: Vec<Source> =
            files.iter().map(|(path, text)| Source { path: (*path).into(), text: (*text).into() }).collect();
        Places::read(&sources)
    }

    fn at(file: &str, line: u32) -> Place {
        Place { file: Some(file.into()), line: Some(line) }
    }

    const BASE: &str = "services:\n  app:\n    image: x\n    environment:\n      - A=${B:-1}\n      - TOKEN\n    ports: [\"80:80\", \"81:81\"]\n";

    #[test]
    fn a_key_is_found_where_it_is_written_last() {
        let places = places(&[("a.yml", BASE), ("b.yml", "services:\n  app:\n    image: y\n")]);
        assert_eq!(places.of("app", &["image"]), at("b.yml", 3));
        assert_eq!(places.of("app", &["ports"]), at("a.yml", 7));
        assert_eq!(places.item("app", "ports", 1), at("a.yml", 7));
        // What is not written: where the service's own key is written last.
        assert_eq!(places.of("app", &["restart"]), at("b.yml", 2));
        assert_eq!(places.of("nobody", &["restart"]), Place { file: Some("a.yml".into()), line: None });
    }

    #[test]
    fn variables_are_found_in_lists_and_maps() {
        let places = places(&[("a.yml", BASE)]);
        assert_eq!(places.environment("app", "A"), Some((at("a.yml", 5), "${B:-1}")));
        assert_eq!(places.environment("app", "TOKEN"), Some((at("a.yml", 6), "")));
        assert_eq!(places.environment("app", "NO"), None);
        assert_eq!(places.variable("B"), (at("a.yml", 5), Some("app")));
        assert!(!mentions("$$HOMEWARD ${HOMES}", "HOME"));
        assert!(mentions("x-$HOME/y", "HOME"));
    }

    #[test]
    fn a_service_that_extends_another_has_its_places() {
        let places = places(&[
            ("a.yml", "services:\n  web:\n    extends: {file: base.yml, service: base}\n"),
            ("base.yml", "services:\n  base:\n    image: x:latest\n"),
        ]);
        assert_eq!(places.of("web", &["image"]), at("base.yml", 3));
        assert_eq!(places.further(), ["base.yml"]);
    }

    #[test]
    fn a_broken_file_says_where() {
        let places = places(&[("a.yml", "services:\n  app:\n    image: x\n   bad: 1\n")]);
        assert_eq!(places.faults.len(), 1);
        assert_eq!(places.faults[0].place, at("a.yml", 4), "{:?}", places.faults);
    }

    #[test]
    fn strange_files_end() {
        for text in [
            "",
            "- a",
            "? {a: b}\n: c",
            "&a [*a, *a]",
            "a: *nowhere",
            "{{{{",
            "\u{0}",
            "---\na: 1\n---\nb: 2",
        ] {
            let _ = places(&[("a.yml", text)]);
        }
    }
}
