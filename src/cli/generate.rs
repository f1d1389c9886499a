//! What is made from the tables of the program itself: themes, completions, the manual.

use std::io::{self, Write};

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::args::Arguments;
use crate::cli::exit::{self, Failure};
use crate::cli::output::{Ink, Output};
use crate::config::Config;
use crate::tui::theme;

/// What clap does not know of.
const MANUAL: &str = r#".SH ENVIRONMENT
.TP
\fBDOCKER_HOST\fR, \fBDOCKER_CONTEXT\fR, \fBDOCKER_TLS_VERIFY\fR, \fBDOCKER_CERT_PATH\fR, \fBDOCKER_CONFIG\fR
Which engine is meant, as for the Docker CLI. \fB\-\-host\fR and \fB\-\-context\fR go first.
.TP
\fBSTACKDASH_HOST\fR, \fBSTACKDASH_CONTEXT\fR, \fBSTACKDASH_PROJECT\fR, \fBSTACKDASH_THEME\fR, \fBSTACKDASH_READ_ONLY\fR, \fBSTACKDASH_ASCII\fR, \fBSTACKDASH_CONFIG\fR, \fBSTACKDASH_LOG_FILE\fR
As the flag of the same name. A flag goes first, the configuration file comes after.
.TP
\fBSTACKDASH_DEMO\fR
1: any command runs on the embedded engine of \fBstackdash demo\fR.
.TP
\fBNO_COLOR\fR
Set to anything: no colors.
.SH FILES
.TP
\fI$XDG_CONFIG_HOME/stackdash/config.toml\fR
Theme, keys and defaults.
.SH "EXIT STATUS"
.TP
0
Done.
.TP
1
Tried and failed.
.TP
2
The command line, a file or a variable cannot be used.
.TP
3
The engine cannot be reached.
.TP
124
\fBwait\fR ran out of time.
.PP
\fBcheck\fR has its own: 0 ok, 1 warning, 2 critical, 3 unknown.
"#;

/// Lists the themes, one a line; the one in use is marked on a terminal.
pub fn themes(output: &mut Output, config: &Config) -> Result<u8, Failure> {
    for name in theme::names() {
        let ink = (*name == *config.theme).then_some(Ink::Bold);
        let name = output.look.paint(ink, &name);
        output.line(name)?;
    }
    Ok(exit::OK)
}

pub fn completions(shell: Shell) -> Result<u8, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "stackdash", &mut text);
    print(&text)
}

pub fn man() -> Result<u8, Failure> {
    let mut text = Vec::new();
    let man = clap_mangen::Man::new(Arguments::command()).manual("User Commands");
    man.render(&mut text)?;
    text.extend_from_slice(MANUAL.as_bytes());
    print(&text)
}

fn print(text: &[u8]) -> Result<u8, Failure> {
    let mut stdout = io::stdout();
    stdout.write_all(text)?;
    stdout.flush()?;
    Ok(exit::OK)
}
