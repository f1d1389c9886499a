//! The popup of a token that is being authorized: comes with the first news of it, follows it, goes with it.

use jiff::Timestamp;

use crate::state::State;
use crate::tui::popups::Popup;
use crate::tui::popups::authorize::{Authorize, Link};
use crate::tui::ui::Ui;

impl Ui {
    pub(super) fn follow_authorization(&mut self, state: &State, now: Timestamp) {
        let mut gone = false;
        for popup in &mut self.popups {
            let Popup::Authorize(popup) = popup else { continue };
            let token = state.tokens.get(popup.id());
            match token.and_then(|token| token.authorization()) {
                Some(about) => {
                    if popup.follow(about, now) {
                        self.drawn = None;
                    }
                }
                None => gone = true,
            }
        }
        if gone {
            self.popups.retain(|popup| !matches!(popup, Popup::Authorize(_)));
            self.drawn = None;
        }
        if !self.popups.is_empty() {
            return;
        }
        let Some(token) = state.tokens.authorizing() else { return };
        let Some(about) = token.authorization() else { return };
        let shown = Some((token.id.clone(), about.began));
        if self.shown_authorization != shown {
            self.shown_authorization = shown;
            let popup = Authorize::new(token.id.clone(), about.clone(), now);
            self.popups.push(Popup::Authorize(Box::new(popup)));
            self.drawn = None;
        }
    }

    /// Returns the cells that are a link.
    pub fn link(&self) -> Option<Link> {
        match self.popups.last() {
            Some(Popup::Authorize(popup)) => popup.link(self.area, &self.keymap, self.theme.ascii),
            _ => None,
        }
    }
}
