//! What linting the files of a scenario's stacks would find.

use std::sync::Arc;

use crate::adapters::scenario::engine::Stage;
use crate::adapters::scenario::script::{FindingScript, SeverityScript, StackScript};
use crate::lint;
use crate::model::compose::ComposeProject;
use crate::model::findings::{Finding, FindingSeverity, Standing, sort};
use crate::ports::{BoxFuture, ComposeError, Linter};

impl Linter for Stage {
    fn findings<'a>(
        &'a self,
        project: &'a ComposeProject,
        _standing: Standing,
    ) -> BoxFuture<'a, Result<Vec<Finding>, ComposeError>> {
        let found = self.player.with(|world, _| {
            let mut stacks = world.script.stacks.iter();
            let stack = stacks.find(|stack| {
                project.name.as_deref().map_or(project.folder == *stack.folder(), |name| name == stack.name)
            });
            stack.map(of_stack)
        });
        let words = || ComposeError::Failed(String::from("no compose file is there"));
        Box::pin(std::future::ready(found.ok_or_else(words)))
    }
}

fn of_stack(stack: &StackScript) -> Vec<Finding> {
    let mut findings = stack.findings.iter().filter_map(|script| of_script(stack, script)).collect();
    sort(&mut findings);
    findings
}

fn of_script(stack: &StackScript, script: &FindingScript) -> Option<Finding> {
    // Checked when the scenario was read.
    let rule = lint::rule(&script.rule)?;
    let name = stack.files.last().map_or("docker-compose.yml", String::as_str);
    Some(Finding {
        severity: match script.severity {
            SeverityScript::Error => FindingSeverity::Error,
            SeverityScript::Warning => FindingSeverity::Warning,
            SeverityScript::Info => FindingSeverity::Info,
        },
        rule: rule.name,
        service: script.service.as_deref().map(Arc::from),
        message: script.message.clone(),
        why: rule.why.to_owned(),
        fix: script.fix.clone(),
        file: Some(stack.folder().join(name).display().to_string()),
        line: script.line,
    })
}
