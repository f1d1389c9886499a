//! What a Dockerfile says of the image that it makes: user, ports, health check.
//!
//! Follows stages inside the file; what comes from a base image elsewhere is not known here.

/// What one stage says, its own stages below it included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stage {
    name: String,
    pub user: Option<String>,
    /// `None`: one of them is made from a variable.
    pub ports: Option<Vec<u16>>,
    pub has_health_check: bool,
    /// Line of the first `EXPOSE`, counted from 1.
    pub ports_line: Option<u32>,
}

/// Returns the stage that is built: the named one, else the last.
pub fn stage(text: &str, target: Option<&str>) -> Option<Stage> {
    let mut stages: Vec<Stage> = Vec::new();
    for (number, line) in logical_lines(text) {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((&line, ""));
        let rest = rest.trim();
        if word.eq_ignore_ascii_case("from") {
            stages.push(begin(&stages, rest));
            continue;
        }
        let Some(stage) = stages.last_mut() else { continue };
        match word.to_ascii_uppercase().as_str() {
            "USER" => stage.user = Some(rest.split_whitespace().next().unwrap_or_default().to_owned()),
            "HEALTHCHECK" => stage.has_health_check = !rest.eq_ignore_ascii_case("none"),
            "EXPOSE" => {
                stage.ports_line.get_or_insert(number);
                for port in rest.split_whitespace() {
                    let parsed = port.split('/').next().unwrap_or_default().parse();
                    match (&mut stage.ports, parsed) {
                        (Some(ports), Ok(port)) => ports.push(port),
                        _ => stage.ports = None,
                    }
                }
            }
            _ => {}
        }
    }
    match target.filter(|target| !target.is_empty()) {
        Some(target) => stages
            .iter()
            .position(|stage| stage.name.eq_ignore_ascii_case(target))
            .or_else(|| target.parse().ok())
            .and_then(|at: usize| stages.get(at).cloned()),
        None => stages.pop(),
    }
}

fn begin(stages: &[Stage], rest: &str) -> Stage {
    let mut words = rest.split_whitespace().filter(|word| !word.starts_with("--"));
    let base = words.next().unwrap_or_default();
    let name = match words.next() {
        Some(word) if word.eq_ignore_ascii_case("as") => words.next().unwrap_or_default(),
        _ => "",
    };
    let parent = stages.iter().find(|stage| !stage.name.is_empty() && stage.name.eq_ignore_ascii_case(base));
    let first = Stage { ports: Some(Vec::new()), ..Stage::default() };
    Stage { name: name.to_owned(), ..parent.cloned().unwrap_or(first) }
}

/// Joins continued lines and leaves comments out; each with the number of its first line.
fn logical_lines(text: &str) -> Vec<(u32, String)> {
    let mut lines = Vec::new();
    let mut open: Option<(u32, String)> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.starts_with('#') || (line.is_empty() && open.is_none()) {
            continue;
        }
        let (content, goes_on) = match line.strip_suffix('\\') {
            Some(content) => (content, true),
            None => (line, false),
        };
        let (_, whole) = open.get_or_insert((number, String::new()));
        whole.push_str(content);
        whole.push(' ');
        if !goes_on && let Some((number, whole)) = open.take() {
            lines.push((number, whole.trim().to_owned()));
        }
    }
    lines.extend(open.map(|(number, whole)| (number, whole.trim().to_owned())));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# syntax\nFROM node:22-alpine AS builder\nWORKDIR /app\n\nFROM builder AS base\nUSER node\n\
        FROM base AS production\nEXPOSE 3042/tcp \\\n  9000\nHEALTHCHECK --interval=30s \\\n CMD wget x || exit 1\n";

    #[test]
    fn a_stage_has_what_the_stages_below_it_say() {
        let last = stage(TEXT, None).unwrap();
        assert_eq!(last.user.as_deref(), Some("node"));
        assert_eq!(last.ports, Some(vec![3042, 9000]));
        assert_eq!(last.ports_line, Some(8));
        assert!(last.has_health_check);
        let builder = stage(TEXT, Some("builder")).unwrap();
        assert_eq!((builder.user, builder.has_health_check), (None, false));
        assert_eq!(stage(TEXT, Some("nowhere")), None);
    }

    #[test]
    fn a_port_made_from_a_variable_is_not_known() {
        assert_eq!(stage("FROM x\nEXPOSE 80 $PORT\n", None).unwrap().ports, None);
        assert_eq!(stage("", None), None);
    }
}
