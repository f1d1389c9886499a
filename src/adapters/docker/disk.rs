//! The engine's disk use, counted as `docker system df` counts it. Pure.
//!
//! Reads both shapes of `/system/df`: lists to count ourselves (up to API 1.51) and ready sums.

use serde_json::Value;

use crate::adapters::docker::json::Json;
use crate::model::host::{DiskUsageRow, EngineDiskUsage};

pub fn usage(answer: &Value) -> EngineDiskUsage {
    let json = Json(answer);
    EngineDiskUsage {
        images: summed(json, &["ImageUsage", "ImagesDiskUsage"]).unwrap_or_else(|| images(json)),
        containers: summed(json, &["ContainerUsage", "ContainersDiskUsage"])
            .unwrap_or_else(|| containers(json)),
        volumes: summed(json, &["VolumeUsage", "VolumesDiskUsage"]).unwrap_or_else(|| volumes(json)),
        build_cache: summed(json, &["BuildCacheUsage", "BuildCacheDiskUsage"])
            .unwrap_or_else(|| build_cache(json)),
    }
}

fn summed(json: Json<'_>, names: &[&str]) -> Option<DiskUsageRow> {
    let row = names.iter().map(|name| json.at(name)).find(|row| row.0.is_object())?;
    Some(DiskUsageRow {
        count: row.count("TotalCount").unwrap_or_default() as u32,
        active: row.count("ActiveCount").unwrap_or_default() as u32,
        bytes: row.count("TotalSize").unwrap_or_default(),
        reclaimable_bytes: row.count("Reclaimable").unwrap_or_default(),
    })
}

/// Images share layers: what the used ones hold alone stays, all the rest could go.
fn images(json: Json<'_>) -> DiskUsageRow {
    let bytes = json.count("LayersSize").unwrap_or_default();
    let mut row = DiskUsageRow { bytes, ..DiskUsageRow::default() };
    let mut held = 0;
    for image in json.items("Images") {
        row.count += 1;
        if image.integer("Containers").unwrap_or_default() == 0 {
            continue;
        }
        row.active += 1;
        if let (Some(size), Some(shared)) = (image.count("Size"), image.count("SharedSize")) {
            held += size.saturating_sub(shared);
        }
    }
    row.reclaimable_bytes = bytes.saturating_sub(held);
    row
}

fn containers(json: Json<'_>) -> DiskUsageRow {
    sum(json.items("Containers"), |container| {
        let in_use = matches!(container.raw("State"), "running" | "paused" | "restarting");
        (container.count("SizeRw").unwrap_or_default(), in_use)
    })
}

fn volumes(json: Json<'_>) -> DiskUsageRow {
    sum(json.items("Volumes"), |volume| {
        let in_use = volume.integer("UsageData/RefCount").unwrap_or_default() > 0;
        (volume.count("UsageData/Size").unwrap_or_default(), in_use)
    })
}

fn build_cache(json: Json<'_>) -> DiskUsageRow {
    sum(json.items("BuildCache"), |record| {
        // A shared record is counted where it belongs, with the images.
        let size = if record.flag("Shared") { 0 } else { record.count("Size").unwrap_or_default() };
        (size, record.flag("InUse"))
    })
}

fn sum<'a>(
    items: impl Iterator<Item = Json<'a>>,
    size_and_use: impl Fn(Json<'a>) -> (u64, bool),
) -> DiskUsageRow {
    let mut row = DiskUsageRow::default();
    for item in items {
        let (bytes, in_use) = size_and_use(item);
        row.count += 1;
        row.bytes += bytes;
        if in_use {
            row.active += 1;
        } else {
            row.reclaimable_bytes += bytes;
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(count: u32, active: u32, bytes: u64, reclaimable_bytes: u64) -> DiskUsageRow {
        DiskUsageRow { count, active, bytes, reclaimable_bytes }
    }

    #[test]
    fn lists_are_counted_as_the_docker_cli_counts_them() {
        let answer = json!({
            "LayersSize": 1000,
            "Images": [
                {"Size": 600, "SharedSize": 100, "Containers": 2},
                {"Size": 400, "SharedSize": 100, "Containers": 0},
                {"Size": 50, "SharedSize": -1, "Containers": -1},
            ],
            "Containers": [{"State": "running", "SizeRw": 7}, {"State": "exited", "SizeRw": 5}, {"State": "paused"}],
            "Volumes": [
                {"UsageData": {"Size": 20, "RefCount": 1}},
                {"UsageData": {"Size": 30, "RefCount": 0}},
                {"UsageData": {"Size": -1, "RefCount": 0}},
            ],
            "BuildCache": [
                {"Size": 11, "InUse": false, "Shared": false},
                {"Size": 13, "InUse": true, "Shared": false},
                {"Size": 17, "InUse": false, "Shared": true},
            ],
        });
        let usage = usage(&answer);
        assert_eq!(usage.images, row(3, 2, 1000, 500));
        assert_eq!(usage.containers, row(3, 2, 12, 5));
        assert_eq!(usage.volumes, row(3, 1, 50, 30));
        assert_eq!(usage.build_cache, row(3, 1, 24, 11));
    }

    #[test]
    fn ready_sums_are_taken_as_they_are() {
        let sums = json!({"TotalCount": 3, "ActiveCount": 1, "TotalSize": 900, "Reclaimable": 300});
        let answer = json!({"ImageUsage": sums, "VolumesDiskUsage": sums, "Images": [{"Size": 1}]});
        let usage = usage(&answer);
        assert_eq!(usage.images, row(3, 1, 900, 300));
        assert_eq!(usage.volumes, row(3, 1, 900, 300));
        assert_eq!(usage.containers, DiskUsageRow::default());
    }

    #[test]
    fn null_lists_are_empty() {
        assert_eq!(usage(&json!({"Images": null, "Volumes": null})), EngineDiskUsage::default());
    }
}
