//! Every embedded theme is complete, legible and says what is wrong with its file.

use std::fmt::Write as _;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

use super::*;

const EMBEDDED: [&str; 8] =
    ["dark", "light", "high-contrast", "colorblind", "mono", "catppuccin-mocha", "gruvbox-dark", "nord"];

fn luminance(color: Color) -> f64 {
    let (r, g, b) = match color {
        Color::Rgb(r, g, b) => (r, g, b),
        Color::Indexed(n) => depth::rgb_of_256(n),
        other => panic!("{other:?} has no fixed color"),
    };
    let linear = |channel: u8| {
        let c = f64::from(channel) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

/// Contrast as WCAG 2 counts it.
fn contrast(a: Color, b: Color) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Lists what of a theme is too faint to read.
fn too_faint(theme: &Theme) -> String {
    let background = theme.text.bg.unwrap();
    let text = theme.text.fg.unwrap();
    let mut report = String::new();
    for (name, role) in MEANINGS {
        let style = theme.style(name).unwrap();
        let floor = match role {
            Role::Text => 4.5,
            Role::Faint => 3.0,
            Role::Fill => continue,
            Role::Patch => {
                // Words under a patch stay legible: ordinary text, and the worst news.
                let Some(bg) = style.bg else { continue };
                let ratio = contrast(style.fg.unwrap_or(text), bg);
                if ratio < 4.5 {
                    let _ = writeln!(report, "{name}: text on it {ratio:.2} < 4.5");
                }
                continue;
            }
        };
        let ratio = contrast(style.fg.unwrap_or(text), style.bg.unwrap_or(background));
        if ratio < floor {
            let _ = writeln!(report, "{name}: {ratio:.2} < {floor}");
        }
    }
    report
}

#[test]
fn every_meaning_is_legible() {
    for name in EMBEDDED.iter().filter(|name| **name != "mono") {
        let theme = folder::embedded(name).unwrap();
        assert_eq!(too_faint(&theme), "", "{name}");
    }
}

#[test]
fn every_meaning_is_legible_on_256_colors_too() {
    for name in ["dark", "light", "high-contrast", "colorblind"] {
        let theme = load(name, false, ColorDepth::Indexed256).unwrap();
        assert_eq!(too_faint(&theme), "", "{name}");
    }
}

#[test]
fn states_stay_legible_on_the_selected_row() {
    for name in ["dark", "light", "high-contrast", "colorblind"] {
        let theme = folder::embedded(name).unwrap();
        let mut report = String::new();
        for state in ServiceState::ALL {
            let ratio = contrast(theme.state(state).fg.unwrap(), theme.selection.bg.unwrap());
            if ratio < 3.5 {
                let _ = writeln!(report, "{}: {ratio:.2}", state.word());
            }
        }
        assert_eq!(report, "", "{name}");
    }
}

#[test]
fn the_selection_keeps_the_color_of_states() {
    for name in EMBEDDED {
        let theme = folder::embedded(name).unwrap();
        for patch in [theme.selection, theme.selection_unfocused, theme.marked] {
            assert_eq!(patch.fg, None, "{name}");
        }
        assert_ne!(theme.selection, Style::new(), "{name}");
    }
}

#[test]
fn the_default_is_the_dark_file() {
    assert_eq!(Theme::default(), folder::embedded("dark").unwrap());
    assert_eq!(Theme::default().name, "dark");
    assert_ne!(Theme::default().failed, Style::new());
}

#[test]
fn embedded_themes_leave_no_meaning_out() {
    for (meaning, _) in MEANINGS {
        for file in ["dark", "mono"] {
            let text = std::fs::read_to_string(format!("themes/{file}.toml")).unwrap();
            assert!(text.contains(&format!("\n{meaning} = ")), "{file}: {meaning}");
        }
    }
}

#[test]
fn mono_and_no_color_have_no_color_at_all() {
    let mono = folder::embedded("mono").unwrap();
    let none = load("nord", false, ColorDepth::None).unwrap();
    for (meaning, _) in MEANINGS {
        for theme in [&mono, &none] {
            let style = theme.style(meaning).unwrap();
            assert_eq!((style.fg, style.bg), (None, None), "{meaning}");
        }
    }
    assert_eq!(none.name, "nord");
    assert_eq!(none.error, mono.error);
}

fn error_of(text: &str) -> String {
    parse(text, "themes/mine.toml", &|name| (name == "dark").then(|| String::from("[palette]\nred = 1")))
        .unwrap_err()
}

#[test]
fn a_broken_file_says_file_line_key_and_the_nearest() {
    assert_eq!(
        error_of("inherits = \"dark\"\n\n[styles]\nfaild = \"red\"\n"),
        "themes/mine.toml:4: unknown key styles.faild; did you mean \"failed\"?"
    );
    assert_eq!(
        error_of("[styles]\nfailed = \"redd bold\""),
        "themes/mine.toml:2: styles.failed: unknown color \"redd\"; did you mean \"red\"?"
    );
    assert_eq!(
        error_of("[styles]\nfailed = \"red blod\""),
        "themes/mine.toml:2: styles.failed: unknown modifier \"blod\"; did you mean \"bold\"?"
    );
    assert_eq!(
        error_of("[palette]\n\nred = \"#12\""),
        "themes/mine.toml:3: palette.red: a color is \"#rrggbb\", an ANSI name or 0 to 255"
    );
    assert_eq!(
        error_of("[palete]\nred = 1"),
        "themes/mine.toml:1: unknown key palete; did you mean \"palette\"?"
    );
    assert_eq!(error_of("inherits = \"x\""), "themes/mine.toml:1: inherits: there is no theme \"x\"");
    assert_eq!(
        error_of("[styles]\nfailed = { fg = \"red\", bold = 1 }"),
        "themes/mine.toml:2: styles.failed.bold: must be true or false"
    );
    assert!(error_of("[styles]\nfailed = ").starts_with("themes/mine.toml:2: "));
}

#[test]
fn a_circle_of_themes_is_an_error() {
    let error =
        parse("inherits = \"me\"", "me.toml", &|_| Some(String::from("inherits = \"me\""))).unwrap_err();
    assert_eq!(error, "me.toml:1: inherits: themes inherit from each other in a circle");
}

#[test]
fn a_palette_recolors_inherited_styles() {
    let base = "[palette]\nalarm = \"#ff0000\"\n[styles]\nfailed = \"alarm bold on 17\"";
    let theme = parse("inherits = \"base\"\n[palette]\nalarm = \"bright-blue\"", "x.toml", &|_| {
        Some(base.to_owned())
    });
    let failed = theme.unwrap().failed;
    assert_eq!((failed.fg, failed.bg), (Some(Color::LightBlue), Some(Color::Indexed(17))));
}

/// Draws one word per meaning, in rows of four.
fn sample(theme: &Theme) -> Buffer {
    let rows = MEANINGS.len().div_ceil(4) as u16;
    let mut buf = Buffer::empty(Rect::new(0, 0, 80, rows));
    buf.set_style(buf.area, theme.text);
    for (n, (meaning, _)) in MEANINGS.iter().enumerate() {
        let (x, y) = (n as u16 % 4 * 20, n as u16 / 4);
        buf.set_string(x, y, meaning, theme.style(meaning).unwrap());
    }
    buf
}

#[test]
fn each_theme_keeps_its_look() {
    for name in EMBEDDED {
        insta::assert_debug_snapshot!(format!("theme_{name}"), sample(&folder::embedded(name).unwrap()));
    }
    insta::assert_debug_snapshot!(
        "theme_dark_16_colors",
        sample(&load("dark", false, ColorDepth::Ansi16).unwrap())
    );
}
