//! Reads a scenario and checks what refers to something else; errors name the line.

use anyhow::{Context, bail};

use crate::adapters::scenario::logs;
use crate::adapters::scenario::script::{HappeningKind, Script};

impl Script {
    /// Reads a scenario; an error names the line.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let script: Self = toml::from_str(text).context("scenario")?;
        script.check(text)?;
        Ok(script)
    }

    /// Checks what refers to something else.
    fn check(&self, text: &str) -> anyhow::Result<()> {
        let line = |offset: usize| text.get(..offset).map_or(1, |head| head.matches('\n').count() + 1);
        for stack in &self.stacks {
            let created = stack.services.iter().map(|service| &service.depends_on);
            for depends_on in created.chain(stack.absent.iter().map(|absent| &absent.depends_on)) {
                for dep in depends_on.keys() {
                    if !stack.services.iter().any(|other| other.name == *dep.get_ref()) {
                        let line = line(dep.span().start);
                        bail!(
                            "scenario, line {line}: depends_on: {} has no service {}",
                            stack.name,
                            dep.get_ref()
                        );
                    }
                }
            }
        }
        let services = self.stacks.iter().flat_map(|stack| &stack.services).chain(&self.containers);
        for style in services.filter_map(|service| service.log.as_ref()) {
            if !self.logs.contains_key(style.get_ref()) {
                let line = line(style.span().start);
                bail!("scenario, line {line}: log: there is no [logs.{}]", style.get_ref());
            }
        }
        for style in self.logs.values() {
            for template in style.lines.iter().chain(&style.start).chain(&style.stop).chain(&style.crash) {
                if let Some(unknown) = logs::unknown_placeholder(template.text.get_ref(), &style.words) {
                    let line = line(template.text.span().start);
                    bail!("scenario, line {line}: text: nothing is known to put for {{{unknown}}}");
                }
            }
        }
        let named = self.past.iter().map(|past| &past.who);
        let named = named.chain(self.happenings.iter().filter_map(|happening| happening.who.as_ref()));
        for who in named {
            if !self.knows(who.get_ref()) {
                let line = line(who.span().start);
                bail!("scenario, line {line}: who: there is no {} (write stack/service)", who.get_ref());
            }
        }
        for (index, happening) in self.happenings.iter().enumerate() {
            let about_connection = happening.what == HappeningKind::Disconnect;
            if happening.who.is_none() && !about_connection {
                bail!("scenario, happening {}: who is missing", index + 1);
            }
        }
        Ok(())
    }

    fn knows(&self, who: &str) -> bool {
        match who.split_once('/') {
            Some((stack, service)) => self
                .stacks
                .iter()
                .any(|s| s.name == stack && s.services.iter().any(|other| other.name == service)),
            None => self.containers.iter().any(|container| container.name == who),
        }
    }
}
