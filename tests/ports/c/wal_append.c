/* Appending (section 7): encode, write, sync, and only then a number is promised. */
#include <stdlib.h>

#include "wal_log.h"

static struct wal_segment *newest(struct wal_log *log) { return &log->segments[log->segment_count - 1]; }

/* Withdraws the clean mark: it would call a file durable at a length that it no longer has. */
static void withdraw_mark(struct wal_log *log) {
    if (log->is_marked && wal_slots_write(log, 0) != 0) log->is_sealed = true;
}

/* A file that one more record may be written to, or why not. */
static enum wal_code prepare(struct wal_log *log, uint64_t first_frame_bytes) {
    if (log->has_failed) return WAL_LOG_FAILED;
    if (log->next_sequence > WAL_SEQUENCE_MAX) return WAL_NO_SEGMENT;
    if (log->active < 0) {
        wal_unhide(log);
        if (wal_relocate(log) != 0) return WAL_NO_SEGMENT;
    }
    bool is_full = newest(log)->size >= log->config.rotation_bytes;
    if (is_full && !log->is_sealed && wal_rotate(log) != 0 &&
        newest(log)->size + first_frame_bytes > log->config.file_bytes_max)
        return WAL_NO_SEGMENT;
    if (log->used_bytes + first_frame_bytes > log->config.quota_bytes) {
        /* If the newest file is wholly settled, it can make room itself (WAL-5.1). */
        bool is_settled = log->unsettled.count == 0 && newest(log)->size > WAL_BLOCK_BYTES;
        if (!is_settled || wal_rotate(log) != 0) return WAL_QUOTA_EXCEEDED;
        wal_settle(log, 0);
        if (log->used_bytes + first_frame_bytes > log->config.quota_bytes) return WAL_QUOTA_EXCEEDED;
    }
    withdraw_mark(log);
    if (log->is_sealed && wal_rotate(log) != 0) return WAL_NO_SEGMENT;
    return WAL_OK;
}

/* How many events, from the first on, one write takes: up to the record that brings the file to the
 * rotation threshold (WAL-3.2). A file that is beyond it, because no other can be started, takes what
 * stays within the hard limit (WAL-3.3). The first event has been checked. */
static size_t choose(const struct wal_log *log, const struct wal_blob *events, size_t count,
                     size_t timestamp_bytes, uint64_t *bytes) {
    const struct wal_config *c = &log->config;
    uint64_t size = log->segments[log->segment_count - 1].size;
    bool is_beyond = size >= c->rotation_bytes;
    size_t taken = 0;
    for (*bytes = 0; taken < count && log->next_sequence + taken <= WAL_SEQUENCE_MAX; taken++) {
        uint64_t next = *bytes + wal_frame_bytes(timestamp_bytes + events[taken].length);
        bool fits = next <= c->batch_bytes_max && log->used_bytes + next <= c->quota_bytes &&
                    (is_beyond ? size + next <= c->file_bytes_max : size + *bytes < c->rotation_bytes);
        if (taken > 0 && !fits) break;
        *bytes = next;
    }
    return taken;
}

/* A write that failed is taken back, so that its numbers can be used again (WAL-4.2). */
static enum wal_code take_back(struct wal_log *log, uint64_t bytes) {
    log->is_sealed = true;
    int failed = disk_truncate(log->active, newest(log)->size);
    /* Without this sync the cut could be undone by a power cut: the bytes of an append that was
     * called definitely refused would be replayed. */
    if (failed == 0) failed = disk_sync(log->active);
    if (failed == 0) return WAL_DISK_REJECTED;
    uint64_t burned = wal_records_in(bytes);
    log->next_sequence = burned > WAL_SEQUENCE_MAX + 1 - log->next_sequence
                             ? WAL_SEQUENCE_MAX + 1
                             : log->next_sequence + burned;
    return WAL_APPEND_INDEFINITE;
}

static enum wal_code write_some(struct wal_log *log, const struct wal_blob *events, size_t count,
                                const uint8_t *timestamp, size_t timestamp_bytes, uint64_t bytes) {
    struct wal_segment *s = newest(log);
    struct wal_frame_key key = wal_frame_key_of(s->header.salt, s->header.file_number);
    uint8_t *frames = wal_allocate(NULL, (size_t)bytes, 1), *at = frames;
    for (size_t i = 0; i < count; i++) {
        size_t length = timestamp_bytes + events[i].length;
        uint8_t *payload = at + WAL_PAYLOAD_OFFSET;
        memcpy(payload, timestamp, timestamp_bytes);
        memcpy(payload + timestamp_bytes, events[i].bytes, events[i].length);
        wal_frame_encode(&key, s->size + (uint64_t)(at - frames), log->next_sequence + i, payload,
                         length, at);
        at += wal_frame_bytes(length);
    }
    int failed = disk_write(log->active, s->size, frames, (size_t)bytes);
    free(frames);
    if (failed != 0) return take_back(log, bytes);
    /* This sync is the promise: without it every event of this write can be gone after a power cut,
     * though its number was given away. If it fails nobody knows what is on the medium, and trying
     * again would be told "good" by a kernel that has dropped the pages. */
    if (disk_sync(log->active) != 0) {
        log->has_failed = true;
        return WAL_SYNC_FAILED;
    }
    wal_intervals_add(&log->unsettled, log->next_sequence, log->next_sequence + count);
    if (s->first_entry == 0) s->first_entry = log->next_sequence;
    log->next_sequence += count;
    log->expected = log->next_sequence;
    s->last_entry = s->highest_own = log->next_sequence - 1;
    s->size += bytes;
    s->complete_end = s->size;
    s->has_complete = true;
    log->used_bytes += bytes;
    return WAL_OK;
}

enum wal_code wal_append_batch(struct wal_log *log, const struct wal_blob *events, size_t count,
                               uint64_t *sequences, size_t *stored) {
    uint8_t timestamp[WAL_TIMESTAMP_BYTES_MAX];
    *stored = 0;
    for (size_t i = 0; i < count; i++) /* all are checked before one is stored (WAL-1.3) */
        if (events[i].length > log->config.event_bytes_max) return WAL_EVENT_TOO_LARGE;
    size_t timestamp_bytes = wal_timestamp_encode(disk_now(&log->source), timestamp);
    while (*stored < count) {
        const struct wal_blob *rest = events + *stored;
        uint64_t bytes, first = wal_frame_bytes(timestamp_bytes + rest->length);
        enum wal_code code = prepare(log, first);
        if (code != WAL_OK) return code;
        size_t taken = choose(log, rest, count - *stored, timestamp_bytes, &bytes);
        uint64_t sequence = log->next_sequence;
        code = write_some(log, rest, taken, timestamp, timestamp_bytes, bytes);
        if (code != WAL_OK) return code;
        for (size_t i = 0; i < taken; i++) sequences[*stored + i] = sequence + i;
        *stored += taken;
    }
    return WAL_OK;
}

enum wal_code wal_append(struct wal_log *log, struct wal_blob event, uint64_t *sequence) {
    size_t stored;
    return wal_append_batch(log, &event, 1, sequence, &stored);
}
