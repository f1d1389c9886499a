//! The stacks' own files of the embedded engine: none, or what the scenario wrote.

use std::path::Path;

use crate::adapters::scenario::engine::Stage;
use crate::config::stack_file;
use crate::model::stack_file::StackFile;
use crate::ports::{BoxFuture, StackFiles};

impl StackFiles for Stage {
    fn read<'a>(&'a self, folder: &'a Path) -> BoxFuture<'a, Result<StackFile, String>> {
        let text = self.player.with(|world, _| {
            let mut stacks = world.script.stacks.iter();
            stacks.find(|stack| stack.folder() == folder).and_then(|stack| stack.stackdash.clone())
        });
        let file = match text {
            Some(text) => {
                stack_file::parse(&folder.join("stackdash.toml"), &text).map_err(|faults| faults.to_string())
            }
            None => Ok(StackFile::default()),
        };
        Box::pin(std::future::ready(file))
    }
}
