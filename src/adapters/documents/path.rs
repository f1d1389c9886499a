//! Paths into documents: names with dots between, numbers for members of lists. `a.b.0.c`
//!
//! A name that has a dot itself is found, too: the longest that fits wins.

use serde_json::Value;

/// Returns what stands at a path, and the names that led there. An empty path is the whole.
pub fn find<'a>(root: &'a Value, path: &str) -> Option<(&'a Value, Vec<String>)> {
    let mut way = Vec::new();
    let found = walk(root, path.trim(), &mut way)?;
    Some((found, way))
}

pub fn get<'a>(root: &'a Value, path: &str) -> Option<&'a Value> {
    find(root, path).map(|(found, _)| found)
}

/// Returns the last name of a path.
pub fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

fn walk<'a>(at: &'a Value, path: &str, way: &mut Vec<String>) -> Option<&'a Value> {
    if path.is_empty() {
        return Some(at);
    }
    let ends = path.match_indices('.').map(|(at, _)| at).chain([path.len()]);
    for end in ends.collect::<Vec<_>>().into_iter().rev() {
        let name = &path[..end];
        let next = match at {
            Value::Object(fields) => fields.get(name),
            Value::Array(items) => name.parse::<usize>().ok().and_then(|index| items.get(index)),
            _ => None,
        };
        let Some(next) = next else { continue };
        way.push(name.to_owned());
        let rest = path.get(end + 1..).unwrap_or_default();
        if let Some(found) = walk(next, rest, way) {
            return Some(found);
        }
        way.pop();
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_numbers_and_dots_lead_to_values() {
        let root = json!({ "a": { "b": [10, { "c": 20 }] }, "x.y": { "z": 30 }, "": 40 });
        assert_eq!(get(&root, "a.b.0"), Some(&json!(10)));
        assert_eq!(get(&root, "a.b.1.c"), Some(&json!(20)));
        assert_eq!(get(&root, "x.y.z"), Some(&json!(30)));
        assert_eq!(get(&root, "a.b.7"), None);
        assert_eq!(get(&root, "a.b.c"), None);
        assert_eq!(find(&root, "a.b.1.c").unwrap().1, ["a", "b", "1", "c"]);
        assert_eq!(get(&root, ""), Some(&root));
    }
}
