//! Tells that something happened in a folder: once, then it has to be set again.
//!
//! A log that is being flooded changes thousands of times a second, and being told each time would cost
//! more than reading it. So a watch of the kernel's ends with the first change it tells (`IN_ONESHOT`),
//! which the watcher of source trees cannot do. One descriptor serves all folders: a user may have few.

use std::collections::HashMap;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// All bells of an engine.
#[derive(Debug)]
pub struct Bells {
    watch: Arc<AsyncFd<OwnedFd>>,
    waiting: Waiting,
    listener: AbortHandle,
}

/// By the number of the kernel's watch.
type Waiting = Arc<Mutex<HashMap<i32, Vec<Arc<Notify>>>>>;

impl Bells {
    /// Must be called inside the runtime.
    pub fn hang() -> io::Result<Self> {
        let watch = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let watch = Arc::new(readable(watch)?);
        let waiting = Waiting::default();
        let listener = tokio::spawn(listen(watch.clone(), waiting.clone())).abort_handle();
        Ok(Self { watch, waiting, listener })
    }

    /// How many folders are watched at the moment.
    #[cfg(test)]
    fn watches(&self) -> usize {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// Lets tasks wait until a descriptor has something to say.
#[expect(deprecated, reason = "what took its place needs a promise that an owned descriptor keeps by itself")]
pub fn readable(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(descriptor, Interest::READABLE)
}

impl Drop for Bells {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn listen(watch: Arc<AsyncFd<OwnedFd>>, waiting: Waiting) {
    while let Ok(mut ready) = watch.readable().await {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(watch.get_ref(), &mut buffer);
        loop {
            match events.next() {
                Ok(event) => ring(event.wd(), &waiting),
                Err(Errno::INTR) => {}
                Err(_) => break,
            }
        }
        ready.clear_ready();
    }
}

/// Wakes who waits for a folder; everybody, where the kernel lost count.
fn ring(number: i32, waiting: &Waiting) {
    let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    let woken: Vec<_> = if number < 0 {
        waiting.drain().flat_map(|(_, bells)| bells).collect()
    } else {
        waiting.remove(&number).unwrap_or_default()
    };
    drop(waiting);
    for bell in woken {
        bell.notify_one();
    }
}

/// The bell at one folder.
#[derive(Debug)]
pub struct Bell {
    bells: Arc<Bells>,
    rung: Arc<Notify>,
    number: Option<i32>,
}

impl Bell {
    pub fn of(bells: Arc<Bells>) -> Self {
        Self { bells, rung: Arc::default(), number: None }
    }

    /// From here on the next change in the folder is told.
    pub fn set(&mut self, folder: &OwnedFd) -> io::Result<()> {
        let flags = WatchFlags::MODIFY | WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::DELETE_SELF;
        let path = format!("/proc/self/fd/{}", folder.as_raw_fd());
        // The change may be told before we know the watch's number: whoever hears of it waits for the lock.
        let mut waiting = self.bells.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let watch = self.bells.watch.get_ref();
        let number = inotify::add_watch(watch, path, flags | WatchFlags::ONESHOT | WatchFlags::ONLYDIR)?;
        let bells = waiting.entry(number).or_default();
        if !bells.iter().any(|bell| Arc::ptr_eq(bell, &self.rung)) {
            bells.push(self.rung.clone());
        }
        self.number = Some(number);
        Ok(())
    }

    /// Waits for the change. Safe to drop while waiting.
    pub async fn rung(&self) {
        self.rung.notified().await;
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let mut waiting = self.bells.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(bells) = waiting.get_mut(&number) else { return };
        bells.retain(|bell| !Arc::ptr_eq(bell, &self.rung));
        if bells.is_empty() {
            waiting.remove(&number);
            let _ = inotify::remove_watch(self.bells.watch.get_ref(), number);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn rings(bell: &Bell) -> bool {
        tokio::time::timeout(Duration::from_millis(300), bell.rung()).await.is_ok()
    }

    #[tokio::test]
    async fn a_bell_rings_once_each_time_it_is_set_and_leaves_nothing_behind() {
        let place = tempfile::tempdir().unwrap();
        let folder = OwnedFd::from(std::fs::File::open(place.path()).unwrap());
        let bells = Arc::new(Bells::hang().unwrap());
        let (mut one, mut two) = (Bell::of(bells.clone()), Bell::of(bells.clone()));
        one.set(&folder).unwrap();
        two.set(&folder).unwrap();
        assert_eq!(bells.watches(), 1);
        std::fs::write(place.path().join("log"), "1").unwrap();
        assert!(rings(&one).await && rings(&two).await);
        assert_eq!(bells.watches(), 0);
        std::fs::write(place.path().join("log"), "2").unwrap();
        assert!(!rings(&one).await, "not set again");
        one.set(&folder).unwrap();
        two.set(&folder).unwrap();
        drop(two);
        std::fs::rename(place.path().join("log"), place.path().join("log.1")).unwrap();
        assert!(rings(&one).await);
        one.set(&folder).unwrap();
        assert_eq!(bells.watches(), 1);
        drop(one);
        assert_eq!(bells.watches(), 0);
    }
}
