/* Reading back what is unsettled (REC-10.1), and refusing one of it for good (DLQ-1.1). */
#include "wal_log.h"

enum { LOOKS = 2 }; /* what a second reading does not give either is left out (REP-2.1) */

struct replay {
    struct wal_log *log;
    uint64_t last, end; /* what was passed; the first number that is not asked for */
    wal_visitor visit;
    void *context;
    bool has_ended;
};

/* Passes on what one reading of a segment gives, up to the first hole if `stops_at_hole`. True if the
 * segment has been dealt with. */
static bool read_segment(struct replay *r, struct wal_scan *scan, const struct wal_segment *s,
                         bool stops_at_hole) {
    const struct wal_intervals *unsettled = &r->log->unsettled;
    struct wal_scan_item item;
    for (wal_scan_next(scan, &item); item.kind != WAL_SCAN_END; wal_scan_next(scan, &item)) {
        uint64_t sequence = item.header.sequence;
        if (item.kind != WAL_SCAN_FRAME || item.is_behind || sequence <= r->last) continue;
        if (sequence >= r->end) return true;
        uint64_t due = wal_intervals_next(unsettled, r->last + 1, sequence);
        if (due < sequence && due >= s->first_entry && due <= s->last_entry && stops_at_hole)
            return false;
        if (!wal_intervals_have(unsettled, sequence)) continue;
        r->last = sequence;
        struct wal_entry entry;
        struct wal_event event;
        size_t offset;
        /* An entry that verifies and does not decode has no letter yet: it is stepped over. */
        if (wal_entry_decode(&item.header, item.body, &entry, &event, &offset) != WAL_OK) continue;
        if (!r->visit(r->context, &entry)) {
            r->has_ended = true;
            return true;
        }
    }
    uint64_t behind = s->last_entry + 1 < r->end ? s->last_entry + 1 : r->end;
    return wal_intervals_next(unsettled, r->last + 1, behind) >= behind;
}

static enum wal_code look_at(struct replay *r, const struct wal_segment *s) {
    char name[WAL_NAME_BYTES];
    int fd = -1, failed;
    bool is_done = false;
    wal_segment_name(s->header.file_number, name);
    for (int look = 1; look <= LOOKS && !is_done; look++) {
        struct wal_scan scan;
        failed = disk_open(r->log->directory, name, &fd);
        if (failed != 0) continue;
        wal_scan_begin(&scan, fd, s->size, &s->header, s->complete_end);
        is_done = read_segment(r, &scan, s, look < LOOKS);
        failed = scan.window.failed;
        is_done = is_done && failed == 0;
        wal_scan_end(&scan);
        disk_close(&fd);
    }
    return failed == 0 ? WAL_OK : WAL_READ_FAILED;
}

enum wal_code wal_replay(struct wal_log *log, uint64_t after, wal_visitor visit, void *context) {
    enum wal_code code = WAL_OK;
    wal_unhide(log);
    struct replay r = {log, after, wal_hidden_from(log), visit, context, false};
    for (size_t i = 0; i < log->segment_count && code == WAL_OK && !r.has_ended; i++) {
        const struct wal_segment *s = &log->segments[i];
        uint64_t first = s->first_entry > r.last ? s->first_entry : r.last + 1;
        if (s->first_entry == 0 || first > s->last_entry) continue;
        if (wal_intervals_next(&log->unsettled, first, s->last_entry + 1) <= s->last_entry)
            code = look_at(&r, s);
    }
    return code;
}

/* ---- refusing ---- */

struct finding {
    struct wal_log *log;
    uint64_t sequence;
    struct wal_text reason;
    bool is_found;
    int failed;
};

static bool refuse_found(void *context, const struct wal_entry *entry) {
    struct finding *f = context;
    if (entry->sequence != f->sequence) return false;
    f->is_found = true;
    uint8_t timestamp[WAL_TIMESTAMP_BYTES_MAX];
    size_t length = wal_timestamp_encode(entry->timestamp, timestamp);
    /* Timestamp and event stand side by side in the body. */
    f->failed = wal_letter_append(f->log, f->sequence, f->reason, entry->event.bytes - length,
                                  length + entry->event.length);
    return false;
}

enum wal_code wal_refuse(struct wal_log *log, uint64_t sequence, struct wal_text reason) {
    if (!wal_intervals_have(&log->unsettled, sequence)) return WAL_NOT_IN_LOG;
    wal_unhide(log);
    if (sequence >= wal_hidden_from(log)) return WAL_ENTRIES_NOT_DURABLE;
    struct finding f = {log, sequence, reason, false, 0};
    enum wal_code code = wal_replay(log, sequence - 1, refuse_found, &f);
    if (code != WAL_OK) return code;
    if (!f.is_found) return WAL_NOT_IN_LOG;
    if (f.failed != 0) return WAL_DEAD_LETTER_FAILED;
    wal_settle(log, wal_intervals_remove(&log->unsettled, sequence, sequence + 1));
    return WAL_OK;
}
