//! The texts of control groups and of /proc, as functions from text to numbers.

/// Returns a file that holds one number.
pub(super) fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// Returns the value of `key` in a file of `key value` lines.
pub(super) fn keyed(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| number(line.strip_prefix(key)?.strip_prefix(' ')?))
}

/// Returns a memory limit; `None` where there is none (`max`, or v1's huge number).
pub(super) fn limit(text: &str) -> Option<u64> {
    number(text).filter(|&limit| limit < 1 << 62)
}

/// Returns bytes read and written per `blkio.throttle.io_service_bytes_recursive` (v1); `None` where
/// no device is listed.
pub(super) fn block_v1(text: &str) -> Option<(u64, u64)> {
    let mut sums = None;
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        let (Some(_device), Some(operation), Some(bytes)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        let bytes: u64 = bytes.parse().ok()?;
        let (read, written) = sums.get_or_insert((0_u64, 0_u64));
        match operation {
            "Read" => *read += bytes,
            "Write" => *written += bytes,
            _ => {}
        }
    }
    sums
}

/// Returns bytes read and written per `io.stat` (v2); `None` where no device is listed.
pub(super) fn block_v2(text: &str) -> Option<(u64, u64)> {
    let mut sums = None;
    for word in text.split_ascii_whitespace() {
        let Some((key, value)) = word.split_once('=') else { continue };
        let (read, written) = sums.get_or_insert((0_u64, 0_u64));
        match key {
            "rbytes" => *read += value.parse::<u64>().ok()?,
            "wbytes" => *written += value.parse::<u64>().ok()?,
            _ => {}
        }
    }
    sums
}

/// Returns bytes received and sent per `/proc/PID/net/dev`, over all interfaces but `lo`; `None` where
/// there is no other.
pub(super) fn network(text: &str) -> Option<(u64, u64)> {
    let mut sums = None;
    for line in text.lines() {
        let Some((name, figures)) = line.split_once(':') else { continue };
        if name.trim() == "lo" {
            continue;
        }
        let mut figures = figures.split_ascii_whitespace();
        let (Some(received), Some(sent)) = (figures.next(), figures.nth(7)) else { continue };
        let (rx, tx) = sums.get_or_insert((0_u64, 0_u64));
        *rx += received.parse::<u64>().ok()?;
        *tx += sent.parse::<u64>().ok()?;
    }
    sums
}

/// Returns the machine's CPU time in nanoseconds and its number of cores, per `/proc/stat`.
///
/// The engine sums the first seven figures (all but stolen and guest time) and takes a tick for 10 ms;
/// so do we, or the percentages would differ.
pub(super) fn system_cpu(text: &str) -> Option<(u64, u32)> {
    let mut lines = text.lines();
    let mut figures = lines.next()?.strip_prefix("cpu ")?.split_ascii_whitespace();
    let mut ticks = 0_u64;
    for _ in 0..7 {
        ticks += figures.next()?.parse::<u64>().ok()?;
    }
    let cores = lines.take_while(|line| line.starts_with("cpu")).count() as u32;
    Some((ticks * 10_000_000, cores))
}

/// Returns the path below a hierarchy's mount of the container's own group, per `/proc/PID/cgroup`.
///
/// `controller`: `None` asks for the unified hierarchy (v2). `None` is returned where the path does
/// not hold the container's full id: then the process is not its.
pub(super) fn group_path<'a>(text: &'a str, id: &str, controller: Option<&str>) -> Option<GroupPath<'a>> {
    text.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (hierarchy, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let wanted = match controller {
            None => hierarchy == "0" && controllers.is_empty(),
            Some(name) => controllers.split(',').any(|have| have == name),
        };
        if !wanted || id.is_empty() {
            return None;
        }
        let end = path.find(id)? + id.len();
        // Groups made inside the container stand below its own.
        let end = path[end..].find('/').map_or(path.len(), |slash| end + slash);
        Some(GroupPath { controllers, path: path[..end].trim_start_matches('/') })
    })
}

/// Where a control group lies.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GroupPath<'a> {
    /// Controllers of its hierarchy, as the mount point is named: `cpu,cpuacct`; empty for v2.
    pub controllers: &'a str,
    /// Without a leading slash.
    pub path: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "e3d2cd856fdb7c1d11d2d3311b6dcb2116d5e84618ceb2b524838a1ad3e41fbd";

    #[test]
    fn numbers_and_limits_are_read() {
        assert_eq!(number("2117632\n"), Some(2_117_632));
        assert_eq!(number("max\n"), None);
        assert_eq!(limit("67108864\n"), Some(67_108_864));
        assert_eq!(limit("9223372036854771712\n"), None);
        assert_eq!(limit("max\n"), None);
    }

    #[test]
    fn keys_are_found_by_their_whole_name() {
        let v1 = "cache 1605632\ninactive_file 7\ntotal_cache 1605632\ntotal_inactive_file 1605632\n";
        assert_eq!(keyed(v1, "total_inactive_file"), Some(1_605_632));
        assert_eq!(keyed(v1, "inactive_file"), Some(7));
        assert_eq!(keyed("anon 57344\ninactive_file 12288\n", "inactive_file"), Some(12288));
        assert_eq!(keyed("usage_usec 4242\nuser_usec 42\n", "usage_usec"), Some(4242));
        assert_eq!(keyed("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", "oom_kill"), Some(3));
        assert_eq!(keyed("low 0\nhigh 0\nmax 5\noom 2\noom_kill 1\noom_group_kill 0\n", "oom_kill"), Some(1));
        assert_eq!(keyed("", "oom_kill"), None);
    }

    #[test]
    fn block_devices_are_summed() {
        let v1 = "8:0 Read 4096\n8:0 Write 100\n8:0 Sync 1\n8:0 Total 4196\n8:16 Read 4\n8:16 Write 1\nTotal 4201\n";
        assert_eq!(block_v1(v1), Some((4100, 101)));
        assert_eq!(block_v1("Total 0\n"), None);
        let v2 = "8:16 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0\n\
                  8:0 rbytes=90430464 wbytes=299008000 rios=8950 wios=1252 dbytes=50331648 dios=3021\n";
        assert_eq!(block_v2(v2), Some((91_889_664, 613_781_504)));
        assert_eq!(block_v2(""), None);
    }

    #[test]
    fn interfaces_are_summed_without_the_loopback() {
        let text = "Inter-|   Receive                                                |  Transmit\n \
            face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n    \
            lo:     999       0    0    0    0     0          0         0      999       0    0    0    0     0       0          0\n  \
            eth0:     200       2    0    0    0     0          0         0       30       1    0    0    0     0       0          0\n  \
            eth1:1000 2 0 0 0 0 0 0 7 1 0 0 0 0 0 0\n";
        assert_eq!(network(text), Some((1200, 37)));
        assert_eq!(network(text.split("  eth0").next().unwrap()), None);
    }

    #[test]
    fn the_machines_time_is_the_engines_seven_figures() {
        let text = "cpu  23496 18134 13291 433897 986 0 128 24 9 9\ncpu0 11026 8910 5063 219713 253 0 28 8 0 0\n\
                    cpu1 12470 9224 8228 214183 733 0 99 15 0 0\nintr 1 2 3\n";
        assert_eq!(system_cpu(text), Some((489_932 * 10_000_000, 2)));
        assert_eq!(system_cpu("cpu 1 2"), None);
    }

    #[test]
    fn the_containers_own_group_is_found() {
        let v1 =
            format!("8:pids:/docker/{ID}\n4:memory:/docker/{ID}/inner\n2:cpu,cpuacct:/docker/{ID}\n0::/\n");
        let path = format!("docker/{ID}");
        assert_eq!(
            group_path(&v1, ID, Some("cpuacct")),
            Some(GroupPath { controllers: "cpu,cpuacct", path: &path })
        );
        assert_eq!(group_path(&v1, ID, Some("memory")).map(|group| group.path), Some(path.as_str()));
        assert_eq!(group_path(&v1, ID, Some("blkio")), None);
        assert_eq!(group_path(&v1, ID, None), None);

        for (text, path) in [
            (format!("0::/system.slice/docker-{ID}.scope\n"), format!("system.slice/docker-{ID}.scope")),
            (format!("0::/system.slice/docker-{ID}.scope/init\n"), format!("system.slice/docker-{ID}.scope")),
            (
                format!(
                    "0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope/container\n"
                ),
                format!("user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope"),
            ),
        ] {
            assert_eq!(group_path(&text, ID, None).map(|group| group.path.to_owned()), Some(path));
        }
    }

    #[test]
    fn another_processes_group_is_refused() {
        let other = "0::/system.slice/docker-0000cd856fdb7c1d11d2d3311b6dcb2116d5e84618ceb2b524838a1ad3e41fbd.scope\n";
        assert_eq!(group_path(other, ID, None), None);
        assert_eq!(group_path(&format!("0::/docker/{}\n", &ID[..12]), ID, None), None);
        assert_eq!(group_path("0::/anything\n", "", None), None);
    }
}
