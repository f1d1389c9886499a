//! A plain `cargo test` needs no Docker; its list of tests says so.

#[cfg(not(feature = "live"))]
#[test]
fn live_tests_are_left_out_here_run_tests_live_sh_for_them() {}
