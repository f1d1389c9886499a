//! Terminals in containers of a real engine, through a real pseudo-terminal: what is typed arrives, what
//! comes back is whole, and however it ends, the screen returns with a word of what happened. Behind the
//! feature `live`.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::engine_live::{docker, image};
use crate::proxy::Proxy;
use crate::terminal::Terminal;

/// A container with a name of its own that goes when the test ends.
struct Named(String);

impl Named {
    fn run(name: &str, options: &[&str], image: &str, command: &[&str]) -> Self {
        let name = format!("stackdash-shell-{name}-{}", std::process::id());
        let _ = Command::new("docker").args(["rm", "-f", &name]).output();
        docker(
            &[&["run", "-d", "--name", &name, "--label", "stackdash.test=1"], options, &[image], command]
                .concat(),
        );
        Self(name)
    }

    fn sleeper(name: &str) -> Self {
        Self::run(name, &[], image(), &["sh", "-c", "while :; do sleep 1; done"])
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["rm", "-f", "-v", &self.0]).output();
    }
}

/// Opens the program on an engine and selects a container.
fn at(container: &Named, arguments: &[&str]) -> Terminal {
    let mut terminal = Terminal::start(100, 30, arguments);
    terminal.wait_for("(no stack)");
    terminal.press("/");
    terminal.press(&container.0);
    terminal.press("\r");
    terminal.wait_for(&format!("/{}", &container.0[..20]));
    terminal.press("gj");
    terminal
}

fn in_shell(container: &Named) -> Terminal {
    let mut terminal = at(container, &[]);
    terminal.press("e");
    terminal.wait_for("/ #");
    terminal
}

fn processes_of(container: &Named) -> String {
    docker(&["top", &container.0])
}

#[test]
fn what_is_typed_is_answered_and_the_exit_code_is_told() {
    let container = Named::sleeper("typed");
    let mut terminal = in_shell(&container);
    assert!(terminal.screen().contains(&format!("a shell in {}", container.0)));
    terminal.press("stty size; echo hel''lo\r");
    terminal.wait_for("30 100");
    terminal.wait_for("hello");
    terminal.resize(90, 25);
    terminal.press("stty size\r");
    terminal.wait_for("25 90");
    terminal.press("echo sle''ep; sleep 1000\r");
    terminal.wait_for("\nsleep");
    // The shell says it before the program is there to be interrupted.
    Terminal::eventually("it sleeps", || processes_of(&container).contains("sleep 1000"));
    terminal.press("\x03");
    terminal.wait_for("^C\n/ #");
    terminal.press("echo after $?\r");
    terminal.wait_for("after 130");
    terminal.press("exit 3\r");
    terminal.wait_for("ended with exit code 3");
    terminal.wait_for("(no stack)");
    // What is typed before the shell is there is typed into it.
    terminal.press("eecho early''-bird\r");
    terminal.wait_for("early-bird");
    terminal.wait_until("a new prompt is there", |screen| screen.trim_end().ends_with("/ #"));
    terminal.press("\x04");
    terminal.wait_for("ended");
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
    terminal.assert_given_back();
}

#[test]
fn programs_with_a_whole_screen_a_paste_and_wide_output_pass() {
    let container = Named::sleeper("vi");
    let mut terminal = in_shell(&container);
    terminal.press("busybox vi /tmp/x\r");
    terminal.wait_for("~");
    terminal.press("ihello from vi\x1b");
    terminal.wait_for("hello from vi");
    terminal.press(":wq\r");
    terminal.press("cat /tmp/x; echo do''ne\r");
    terminal.wait_for("done");
    terminal.press("busybox top\r");
    terminal.wait_for("Mem:");
    terminal.press("q");
    terminal.wait_until("a prompt is back", |screen| screen.trim_end().ends_with("/ #"));
    // Pasted text passes with its brackets: the program asked for them, or not.
    terminal.press("echo wr''ite; cat >/tmp/p\r");
    terminal.wait_for("\nwrite");
    terminal.press("\x1b[200~a paste\x1b[201~\r\x04");
    terminal.press("echo $(busybox wc -c </tmp/p) by''tes\r");
    terminal.wait_for("20 bytes");
    terminal.press("busybox seq 1 20000 | busybox tail -c 40000; echo \"grün 漢字\"; echo fi''n\r");
    terminal.wait_for("fin");
    terminal.wait_for("grün 漢字");
    terminal.press("exit\r");
    terminal.wait_for("(no stack)");
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
    terminal.assert_given_back();
}

#[test]
fn a_container_that_stops_meanwhile_brings_the_screen_back() {
    let container = Named::sleeper("stops");
    let mut terminal = in_shell(&container);
    // The program cannot clean up after itself.
    terminal.press("busybox vi /tmp/x\r");
    terminal.wait_for("~");
    docker(&["stop", "-t", "0", &container.0]);
    terminal.wait_for("? help");
    assert!(terminal.screen().contains("ended, and the shell in it"), "{}", terminal.screen());
    terminal.press("e");
    terminal.wait_for("no shell");
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
    terminal.assert_given_back();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_goes_away_meanwhile_brings_the_screen_back() {
    let container = Named::sleeper("away");
    let proxy = Proxy::open(Path::new("/var/run/docker.sock"));
    let url = proxy.url();
    let (container, proxy) = tokio::task::spawn_blocking(move || {
        let mut terminal = at(&container, &["--host", &url]);
        terminal.press("e");
        terminal.wait_for("/ #");
        proxy.cut();
        terminal.wait_for("may still run");
        terminal.wait_for("(no stack)");
        terminal.press("\x03");
        assert_eq!(terminal.exit_code(), 0);
        terminal.assert_given_back();
        (container, proxy)
    })
    .await
    .unwrap();
    drop((container, proxy));
}

#[test]
fn a_closed_terminal_and_a_signal_leave_no_shell_behind() {
    let container = Named::sleeper("closed");
    let before = processes_of(&container).lines().count();
    for way in ["close", "TERM"] {
        let mut terminal = in_shell(&container);
        terminal.press("busybox vi /tmp/x\r");
        terminal.wait_for("~");
        assert!(processes_of(&container).lines().count() > before);
        if way == "close" {
            terminal.close("\x07");
            terminal.wait_for_end();
        } else {
            terminal.signal(way);
            assert_eq!(terminal.exit_code(), 143);
            terminal.assert_given_back();
        }
        Terminal::eventually("the shell is gone", || processes_of(&container).lines().count() == before);
    }
}

#[test]
fn a_user_and_a_folder_are_asked_for() {
    let container = Named::sleeper("user");
    let mut terminal = at(&container, &[]);
    terminal.press(":shell-as\r");
    terminal.wait_for("A user of the container");
    terminal.press("1234\r");
    terminal.wait_for("a shell in");
    terminal.press("busybox id -u\r");
    terminal.wait_for("1234\r\n".trim());
    terminal.press("exit\r");
    terminal.wait_for("(no stack)");
    terminal.press(":shell-in\r");
    terminal.wait_for("A folder of the container");
    terminal.press("/tmp\r");
    terminal.wait_for("/tmp #");
    terminal.press("exit\r");
    terminal.wait_for("(no stack)");
    terminal.press(":shell-as\r");
    terminal.press("nobody-here\r");
    terminal.wait_for("nobody-here");
    terminal.wait_for("unable to find user");
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
}

#[test]
fn one_attaches_to_a_terminal_and_leaves_it_running() {
    let container = Named::run("attach", &["-it"], image(), &["sh"]);
    let mut terminal = at(&container, &[]);
    // What comes right behind it (`e` is a shell) is no second wish: it is typed there.
    terminal.press(":attach\re");
    terminal.wait_for("stackdash: attached to");
    terminal.press("cho attach''ed; stty size\r");
    terminal.wait_for("attached");
    terminal.wait_for("30 100");
    terminal.press("\x10\x11");
    terminal.wait_for("it runs on");
    assert_eq!(docker(&["inspect", "-f", "{{.State.Running}}", &container.0]), "true");
    terminal.press(":attach\r");
    terminal
        .wait_until("the second greeting", |screen| screen.matches("stackdash: attached to").count() == 2);
    terminal.press("exit 5\r");
    terminal.wait_for("ended with exit code 5");
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
}

/// Makes an image of one static program and nothing else, with a user whose shell has an odd name.
fn bare_image(name: &str, program: &str, passwd: Option<&str>) -> String {
    let tag = format!("stackdash-test/{name}:1");
    if Command::new("docker").args(["image", "inspect", &tag]).output().unwrap().status.success() {
        return tag;
    }
    let folder = tempfile::tempdir().unwrap();
    let busybox =
        ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| Path::new(path).exists()).unwrap();
    std::fs::copy(busybox, folder.path().join(program)).unwrap();
    std::fs::create_dir(folder.path().join("etc")).unwrap();
    if let Some(passwd) = passwd {
        std::fs::write(folder.path().join("etc/passwd"), passwd).unwrap();
    }
    let mut tar = Command::new("tar")
        .args(["-C", folder.path().to_str().unwrap(), "-cf", "-", "."])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let imported = Command::new("docker")
        .args(["import", "-", &tag])
        .stdin(tar.stdout.take().unwrap())
        .output()
        .unwrap();
    assert!(tar.wait().unwrap().success() && imported.status.success());
    tag
}

#[test]
fn without_sh_the_shell_of_the_passwd_file_is_taken() {
    let image = bare_image("odd-shell", "ash", Some("root:x:0:0:root:/:/ash\n"));
    let container = Named::run("odd", &[], &image, &["/ash", "-c", "while :; do sleep 1; done"]);
    let mut terminal = at(&container, &[]);
    terminal.press("e");
    terminal.wait_for("~ #");
    terminal.press("echo od''d; exit 4\r");
    terminal.wait_for("ended with exit code 4");
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
}

#[test]
fn an_image_without_a_shell_is_offered_one_beside_it() {
    let image_with_shell = image();
    let helper = Named::sleeper("helper");
    let image = bare_image("no-shell", "busybox", None);
    let options = ["-v", "/stackdash-volume"];
    let container = Named::run("bare", &options, &image, &["/busybox", "sleep", "100000"]);
    let beside = || docker(&["ps", "-aq", "--filter", "label=stackdash.debug"]);
    let mut terminal = at(&container, &[]);
    terminal.press("e");
    terminal.wait_until("a shell beside is offered", |screen| {
        screen.contains("has no shell") && screen.contains("beside")
            || screen.contains("has no shell; one of")
    });
    if terminal.screen().contains("one of") {
        terminal.wait_for(image_with_shell);
        terminal.press("\r");
        terminal.wait_for("Open a shell beside");
    }
    assert_eq!(beside(), "", "nothing is made before the answer");
    terminal.press("y");
    terminal.wait_for("#");
    assert_ne!(beside(), "");
    terminal.press("ls -d /stackdash-volume; ps 2>/dev/null || busybox ps\r");
    terminal.wait_for("/busybox sleep 100000");
    terminal.press("exit 6\r");
    terminal.wait_for("ended with exit code 6");
    Terminal::eventually("the debug container is gone", || beside().is_empty());
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
    drop(helper);
}

#[test]
fn read_only_opens_no_terminal_in_any_way() {
    let container = Named::run("read-only", &["-it"], image(), &["sh"]);
    let mut terminal = at(&container, &["--read-only"]);
    for keys in ["e", ":attach\r", ":shell-as\rroot\r", ":shell-in\r/\r"] {
        terminal.press(keys);
        terminal.wait_for("nothing is changed");
    }
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
    assert!(!String::from_utf8_lossy(terminal.raw()).contains("stackdash: "));
}
