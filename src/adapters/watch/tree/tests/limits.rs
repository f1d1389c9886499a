//! Where the kernel says too little: its limit of watches, its queue, file systems that do not tell. And what is kept.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::adapters::watch::tree::inbox::Batch;

const OFTEN: Duration = Duration::from_millis(50);

#[tokio::test]
async fn beyond_the_limit_a_tree_is_polled_and_says_so() {
    let mut stage = Stage::new(|settings| {
        settings.most_watches = Some(6);
        settings.poll_every = Some(OFTEN);
    });
    stage.write("small/a", "1");
    for folder in 0..10 {
        stage.write(&format!("large/d{folder}/a"), "1");
    }
    let large = Tree { service: "large".into(), ..tree(&stage.root.join("large")) };
    let small = tree(&stage.root.join("small"));
    stage.want([small.clone(), large.clone()]);
    let mut facts = BTreeMap::new();
    while facts.len() < 2 {
        match stage.next().await {
            TreeNews::Scanned { tree, facts: found, .. } => _ = facts.insert(tree.service.to_string(), found),
            TreeNews::Health(health) => stage.health = health,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(facts["web"].polled, None);
    assert!(facts["large"].polled.as_ref().unwrap().contains("fs.inotify.max_user_watches"));
    assert_eq!(facts["large"].files, 10);
    stage.until(|health, _| health.polled == 1 && health.limit == Some(6) && health.watches == 2).await;

    stage.write("large/d3/a", "2");
    assert_eq!(stage.changed().await, ["*large/d3/a"]);
    stage.write("small/a", "2");
    assert_eq!(stage.changed().await, ["*small/a"]);
    stage.write("large/new/b", "1");
    assert_eq!(stage.changed().await, ["+large/new/b"]);
    fs::remove_dir_all(stage.root.join("large/new")).unwrap();
    assert_eq!(stage.changed().await, ["-large/new/b"]);
}

#[tokio::test]
async fn a_tree_that_outgrows_the_limit_is_polled_from_then_on() {
    let stage = Stage::new(|settings| {
        settings.most_watches = Some(4);
        settings.poll_every = Some(OFTEN);
    });
    stage.write("a", "1");
    let mut stage = stage.watching().await;
    for folder in 0..10 {
        stage.write(&format!("d{folder}/a"), "1");
    }
    stage.told(10).await;
    stage.until(|health, facts| health.polled == 1 && health.watches == 0 && facts.polled.is_some()).await;
    stage.write("d7/a", "2");
    assert_eq!(stage.changed().await, ["*d7/a"]);
}

#[tokio::test]
async fn file_systems_that_do_not_tell_are_polled() {
    let mut stage = Stage::new(|settings| {
        settings.reason = |_| Some("the files are on NFS, which does not tell of changes".to_owned());
        settings.poll_every = Some(OFTEN);
    });
    stage.write("src/a", "1");
    stage.want([tree(&stage.root)]);
    let (facts, _) = stage.scanned().await;
    assert!(facts.polled.unwrap().contains("NFS"));
    stage.until(|health, _| health.polled == 1).await;
    assert_eq!(stage.health.watches, 0);
    stage.write("src/a", "2");
    assert_eq!(stage.changed().await, ["*src/a"]);
    fs::rename(stage.root.join("src"), stage.root.join("lib")).unwrap();
    assert_eq!(stage.changed().await, ["+lib/a", "-src/a"]);
    fs::create_dir(stage.root.join("empty")).unwrap();
    stage.until(|_, facts| facts.folders == 3).await;
    fs::remove_dir_all(&stage.root).unwrap();
    assert_eq!(stage.changed().await, ["-lib/a"]);
    stage.write("lib/a", "3");
    assert_eq!(stage.changed().await, ["+lib/a"]);
}

/// One round after the other, by hand.
struct ByHand {
    inbox: Arc<Inbox>,
    looker: Looker,
}

impl ByHand {
    fn new(stage: &Stage) -> Self {
        let inbox = Arc::new(Inbox::new(PATIENCE));
        let mut looker = Looker::new(stage.watcher.settings.clone(), inbox.clone());
        let wanted = Some(Arc::new(BTreeSet::from([Arc::new(tree(&stage.root))])));
        let news = looker.round(Work { wanted, batch: None });
        assert!(matches!(news[0], TreeNews::Scanned { .. }));
        Self { inbox, looker }
    }

    fn take(&self) -> Option<Batch> {
        self.inbox.take(Instant::now() + PATIENCE * 2)
    }
}

#[test]
fn after_an_overflow_everything_is_looked_at_and_watched_anew() {
    let stage = Stage::new(|_| {});
    stage.write("src/a", "1");
    let mut hand = ByHand::new(&stage);
    // Nobody hears of any of this.
    hand.inbox.set_interest(inbox::Interest::default());
    stage.write("src/a", "2");
    fs::create_dir_all(stage.root.join("lost/deep")).unwrap();
    stage.write("lost/deep/b", "1");
    fs::remove_dir_all(stage.root.join("src")).unwrap();
    stage.write("src/a", "3");
    // The watcher's thread has dropped all of it by now.
    std::thread::sleep(Duration::from_millis(300));
    assert!(hand.take().is_none());
    let lost = notify::Event::new(notify::EventKind::Other).set_flag(notify::event::Flag::Rescan);
    hand.inbox.hear(Ok(lost));
    let news = hand.looker.round(Work { wanted: None, batch: hand.take() });
    let TreeNews::Changed { changes, .. } = &news[0] else { panic!("{news:?}") };
    let said: Vec<String> = changes.iter().map(|change| stage.say(change)).collect();
    assert_eq!(said, ["+lost/deep/b", "*src/a"]);
    let Some(TreeNews::Health(health)) = news.last() else { panic!("{news:?}") };
    assert_eq!(health.overflows, 1);

    // And both folders are heard of again.
    for path in ["src/a", "lost/deep/b"] {
        stage.write(path, "again");
        let began = Instant::now();
        let batch = loop {
            if let Some(batch) = hand.take() {
                break batch;
            }
            assert!(began.elapsed() < PATIENCE, "nobody heard of {path}");
            std::thread::sleep(Duration::from_millis(10));
        };
        assert!(batch.paths.contains_key(&stage.root.join(path)), "{batch:?}");
        std::thread::sleep(Duration::from_millis(100));
        hand.take();
    }
}

#[tokio::test]
async fn what_is_kept_is_its_owner_s_alone_and_foreign_words_are_nothing_kept() {
    let stage = Stage::new(|_| {});
    stage.write("a", "1");
    let mut stage = stage.watching().await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let file = Kept::new(stage.state.clone()).file(&tree(&stage.root));
    assert_eq!((mode(&stage.state), mode(&file)), (0o700, 0o600));

    for text in ["", "something else\n", "\0\0\0\0"] {
        fs::write(&file, text).unwrap();
        stage.write("a", &format!("not told after {text:?}"));
        stage.restart();
        stage.want([tree(&stage.root)]);
        assert_eq!(stage.scanned().await.1, [] as [&str; 0], "nothing was kept");
    }
    // A line that is torn costs itself; what follows is read.
    let mut text = fs::read(&file).unwrap();
    text.extend(b"0123");
    fs::write(&file, &text).unwrap();
    stage.write("a", "2");
    stage.restart();
    stage.want([tree(&stage.root)]);
    let TreeNews::Scanned { changes, .. } = stage.next().await else { panic!("no scan") };
    assert_eq!(changes.len(), 1);
    stage.watcher.keep(&tree(&stage.root), &changes).await.unwrap();
    stage.restart();
    stage.want([tree(&stage.root)]);
    assert_eq!(stage.scanned().await.1, [] as [&str; 0]);
}

#[tokio::test]
async fn a_root_that_was_not_there_at_first_is_kept_as_it_is_told() {
    let mut stage = Stage::new(|_| {});
    let late = tree(&stage.root.join("late"));
    stage.want([late.clone()]);
    stage.scanned().await;
    stage.write("late/a", "1");
    let TreeNews::Changed { changes, .. } = stage.next_change().await else { unreachable!() };
    stage.watcher.keep(&late, &changes).await.unwrap();
    stage.write("late/b", "1");
    stage.restart();
    stage.want([late]);
    assert_eq!(stage.scanned().await.1, ["+late/b"]);
}

#[tokio::test]
async fn the_services_that_were_watched_are_remembered() {
    let stage = Stage::new(|_| {});
    assert_eq!(stage.watcher.watched().await.unwrap(), []);
    let keys: Vec<ServiceKey> = vec![("shop".into(), "web".into()), ("shop".into(), "ünï\"code".into())];
    stage.watcher.keep_watched(&keys).await.unwrap();
    assert_eq!(stage.watcher.watched().await.unwrap(), keys);
    fs::write(stage.state.join("watched.json"), "{broken").unwrap();
    assert!(stage.watcher.watched().await.unwrap_err().contains("not"));
    stage.watcher.keep_watched(&[]).await.unwrap();
    assert_eq!(stage.watcher.watched().await.unwrap(), []);
}
