/* What follows from numbers being settled: the watermark, and deletion (ACK-5.1 to ACK-5.3). */
#include "wal_log.h"

uint64_t wal_watermark(const struct wal_log *log) {
    uint64_t lowest = log->unsettled.count > 0 ? log->unsettled.items[0].first : log->next_sequence;
    return lowest - 1;
}

uint64_t wal_hidden_from(const struct wal_log *log) {
    size_t from, to;
    uint64_t lowest = UINT64_MAX;
    if (!log->is_degraded || log->floor_is_durable) return UINT64_MAX;
    wal_old_files(log, &from, &to);
    for (size_t i = from; i < to; i++)
        if (log->segments[i].header.relocated_from < lowest)
            lowest = log->segments[i].header.relocated_from;
    return lowest;
}

struct wal_segment *wal_segments_add(struct wal_log *log, const struct wal_segment *segment) {
    if (log->segment_count == log->segment_room) {
        log->segment_room = log->segment_room * 2 + 8;
        log->segments = wal_allocate(log->segments, log->segment_room, sizeof *log->segments);
    }
    log->segments[log->segment_count] = *segment;
    return &log->segments[log->segment_count++];
}

void wal_unhide(struct wal_log *log) {
    if (wal_hidden_from(log) != UINT64_MAX) (void)wal_slots_write(log, 0);
}

static bool can_go(const struct wal_log *log, const struct wal_segment *s) {
    return wal_watermark(log) >= s->last_entry;
}

/* A degraded log has read its newest file from the page cache, maybe. What that file says about
 * numbers must not be less durable than the deletion of those before it (REC-9.3). */
static int keep_newest(struct wal_log *log) {
    const struct wal_segment *newest = &log->segments[log->segment_count - 1];
    char name[WAL_NAME_BYTES];
    uint8_t block[WAL_BLOCK_BYTES];
    int fd = -1;
    wal_segment_name(newest->header.file_number, name);
    wal_header_encode(&newest->header, block);
    int failed = disk_open(log->directory, name, &fd);
    for (uint64_t at = 0; at < WAL_BLOCK_BYTES && failed == 0; at += WAL_COPY_OFFSET)
        if (at + WAL_HEADER_BYTES <= newest->size)
            failed = disk_write(fd, at, block, WAL_HEADER_BYTES);
    if (failed == 0) failed = disk_sync(fd);
    disk_close(&fd);
    return failed;
}

void wal_delete_settled(struct wal_log *log) {
    bool is_kept = !log->is_degraded;
    while (log->segment_count > 1 && can_go(log, &log->segments[0]) &&
           log->durable_watermark + 1 >= log->segments[1].header.relocated_from) {
        char name[WAL_NAME_BYTES];
        if (!is_kept && keep_newest(log) != 0) return;
        is_kept = true;
        wal_segment_name(log->segments[0].header.file_number, name);
        if (disk_unlink(log->directory, name) != 0) return; /* tried again by the next one */
        log->used_bytes -= log->segments[0].size;
        log->segment_count--;
        memmove(log->segments, log->segments + 1, log->segment_count * sizeof *log->segments);
        /* Without this sync a later deletion could be durable and this one not: a file before a gap. */
        if (disk_sync_directory(log->directory) != 0) return;
    }
}

void wal_settle(struct wal_log *log, uint64_t settled_now) {
    log->settled_since += settled_now;
    bool deletes = log->segment_count > 1 && can_go(log, &log->segments[0]);
    bool is_due = log->settled_since >= log->config.acknowledge_count_max ||
                  disk_monotonic_ns(&log->source) - log->written_ns >=
                      log->config.acknowledge_interval_ns;
    if (!deletes && !(is_due && log->settled_since > 0)) return;
    /* The watermark is durable before anything goes by it, also one that the open has read: that one
     * may have been in the page cache alone (ACK-5.1). A write that fails is tried by the next one;
     * until then nothing is deleted, and nobody is told an error: it costs repeats only. */
    uint64_t mark = log->is_marked ? log->segments[log->segment_count - 1].size : 0;
    if (wal_slots_write(log, mark) == 0) wal_delete_settled(log);
}

enum wal_code wal_acknowledge(struct wal_log *log, uint64_t through) {
    if (through >= log->next_sequence) return WAL_ACKNOWLEDGED_BEYOND_LOG;
    wal_settle(log, wal_intervals_remove(&log->unsettled, 0, through + 1));
    return WAL_OK;
}
