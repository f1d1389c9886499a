use insta::assert_snapshot;

use crate::tui::fixture::{Stage, trouble, well};

const SIZES: [(u16, u16); 4] = [(60, 20), (80, 24), (120, 40), (200, 50)];

#[test]
fn all_is_well_at_every_size() {
    for (width, height) in SIZES {
        let stage = Stage::new(width, height).connected(well()).sampled();
        assert_snapshot!(format!("well_{width}x{height}"), stage.screen());
    }
}

#[test]
fn trouble_at_every_size() {
    for (width, height) in SIZES {
        let stage = Stage::new(width, height).connected(trouble()).sampled();
        assert_snapshot!(format!("trouble_{width}x{height}"), stage.screen());
    }
}
