//! Which layer each node of a graph belongs to.

use super::Link;

/// Returns the rank of each node (0: nothing comes before it, else one more than the latest that does),
/// and which links count: one that would close a circle does not.
pub fn ranks(nodes: usize, links: &[Link]) -> (Vec<usize>, Vec<bool>) {
    let mut after: Vec<Vec<(usize, usize)>> = vec![Vec::new(); nodes];
    for (index, link) in links.iter().enumerate() {
        after[link.from].push((link.to, index));
    }
    let mut kept = vec![true; links.len()];
    let mut seen = vec![Seen::Not; nodes];
    let mut finished = Vec::with_capacity(nodes);
    for root in 0..nodes {
        if seen[root] != Seen::Not {
            continue;
        }
        seen[root] = Seen::Open;
        // By hand, not by recursion: a chain may be long.
        let mut path = vec![(root, 0)];
        while let Some((node, next)) = path.last_mut() {
            let Some(&(to, link)) = after[*node].get(*next) else {
                seen[*node] = Seen::Done;
                finished.push(*node);
                path.pop();
                continue;
            };
            *next += 1;
            match seen[to] {
                Seen::Open => kept[link] = false,
                Seen::Not => {
                    seen[to] = Seen::Open;
                    path.push((to, 0));
                }
                Seen::Done => {}
            }
        }
    }
    let mut rank = vec![0; nodes];
    for node in finished.into_iter().rev() {
        for (to, link) in &after[node] {
            if kept[*link] {
                rank[*to] = rank[*to].max(rank[node] + 1);
            }
        }
    }
    (rank, kept)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Not,
    Open,
    Done,
}
