use proptest::prelude::*;

use super::*;

fn link(from: usize, to: usize) -> Link {
    Link { from, to, label: 9 }
}

fn acyclic(nodes: usize, links: &[Link]) -> Vec<Link> {
    let (_, kept) = ranks(nodes, links);
    links.iter().zip(kept).filter(|(_, kept)| *kept).map(|(link, _)| *link).collect()
}

#[test]
fn a_chain_is_one_straight_line() {
    let found = layout(&[16, 20, 12], &[link(0, 1), link(1, 2)], 3, 60).unwrap();
    assert!(found.wires.iter().all(|wire| wire.points.len() == 2), "{found:?}");
    assert_eq!(found.boxes.iter().map(|placed| placed.y).collect::<Vec<_>>(), [0, 4, 8]);
    assert_eq!(found.height, 11);
}

#[test]
fn a_line_over_a_layer_goes_around_the_box_there() {
    let found = layout(&[14, 14, 14], &[link(0, 1), link(1, 2), link(0, 2)], 3, 60).unwrap();
    let middle = found.boxes[1];
    let long: Vec<&Wire> = found.wires.iter().filter(|wire| wire.links.contains(&2)).collect();
    assert_eq!(long.len(), 2, "down to the middle layer, and on from there");
    let column = long[1].points[0].0;
    assert!(!(middle.x..middle.x + middle.width).contains(&column));
}

#[test]
fn too_many_side_by_side_do_not_fit() {
    let links: Vec<Link> = (1..9).map(|node| link(0, node)).collect();
    assert!(layout(&[14; 9], &links, 3, 60).is_none());
    assert!(layout(&[14; 9], &links, 3, 240).is_some());
}

#[test]
fn a_circle_is_cut_once() {
    let links = [link(0, 1), link(1, 2), link(2, 0), link(1, 1)];
    let (rank, kept) = ranks(3, &links);
    assert_eq!((rank, kept), (vec![0, 1, 2], vec![true, true, false, false]));
}

fn graphs() -> impl Strategy<Value = (Vec<usize>, Vec<Link>)> {
    (1_usize..14).prop_flat_map(|nodes| {
        let widths = prop::collection::vec(8_usize..24, nodes);
        let ends = (0..nodes, 0..nodes, 1_usize..12);
        let links = prop::collection::vec(ends, 0..24).prop_map(|all| {
            let mut links: Vec<Link> =
                all.into_iter().map(|(from, to, label)| Link { from, to, label }).collect();
            links.sort_by_key(|link| (link.from, link.to));
            links.dedup_by_key(|link| (link.from, link.to));
            links
        });
        (widths, links)
    })
}

proptest! {
    #[test]
    fn every_line_points_down_and_no_box_is_lost((widths, links) in graphs()) {
        let (rank, kept) = ranks(widths.len(), &links);
        for (link, kept) in links.iter().zip(&kept) {
            prop_assert!(!kept || rank[link.from] < rank[link.to]);
        }
        let links = acyclic(widths.len(), &links);
        let found = layout(&widths, &links, 3, 10_000);
        prop_assume!(found.is_some());
        let found = found.unwrap();
        let mut nodes: Vec<usize> = found.boxes.iter().map(|placed| placed.node).collect();
        nodes.sort_unstable();
        prop_assert_eq!(nodes, (0..widths.len()).collect::<Vec<_>>());
        for (index, one) in found.boxes.iter().enumerate() {
            prop_assert!(one.x + one.width <= found.width && one.y + 3 <= found.height);
            for other in &found.boxes[index + 1..] {
                prop_assert!(one.y != other.y || one.x + one.width < other.x || other.x + other.width < one.x);
            }
        }
        let of = |node: usize| found.boxes.iter().find(|placed| placed.node == node).copied().unwrap();
        for (index, link) in links.iter().enumerate() {
            let mut wires: Vec<&Wire> = found.wires.iter().filter(|wire| wire.links.contains(&index)).collect();
            wires.sort_by_key(|wire| wire.points[0].1);
            let (from, to) = (of(link.from), of(link.to));
            let (mut x, mut y) = wires[0].points[0];
            prop_assert_eq!(y, from.y + 2);
            prop_assert!((from.x + 1..from.x + from.width).contains(&x));
            for wire in wires {
                prop_assert_eq!(wire.points[0], (x, y), "each goes on where the one before ended");
                for point in &wire.points {
                    prop_assert!(point.1 >= y, "down, never up");
                    prop_assert!(point.0 < found.width);
                    (x, y) = *point;
                }
            }
            prop_assert_eq!(y, to.y);
            prop_assert!((to.x + 1..to.x + to.width - 1).contains(&x));
        }
    }

    /// Lines of one source may share cells; a vertical line of another source runs through no box.
    #[test]
    fn no_line_runs_through_a_box((widths, links) in graphs()) {
        let links = acyclic(widths.len(), &links);
        let found = layout(&widths, &links, 3, 10_000);
        prop_assume!(found.is_some());
        let found = found.unwrap();
        for wire in &found.wires {
            for pair in wire.points.windows(2) {
                let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
                for placed in &found.boxes {
                    let columns = placed.x..placed.x + placed.width;
                    let rows = placed.y + 1..placed.y + 2;
                    let crosses = if x0 == x1 {
                        columns.contains(&x0) && rows.start >= y0 && rows.start <= y1
                    } else {
                        y0 >= placed.y && y0 < placed.y + 3
                    };
                    prop_assert!(!crosses, "{wire:?} through {placed:?}");
                }
            }
        }
    }
}
