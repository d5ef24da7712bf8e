/* Looking at an open log, and ending it. */
#include <stdio.h>
#include <stdlib.h>

#include "wal_log.h"

const struct wal_report *wal_report_of(const struct wal_log *log) { return &log->report; }

struct wal_status wal_status_of(const struct wal_log *log) {
    uint64_t hidden = wal_hidden_from(log);
    return (struct wal_status){.next_sequence = log->next_sequence,
                               .acknowledged_through = wal_watermark(log),
                               .used_bytes = log->used_bytes,
                               .hidden_from = hidden == UINT64_MAX ? 0 : hidden,
                               .segment_count = log->segment_count};
}

void wal_segment_name_at(const struct wal_log *log, size_t index, char name[WAL_NAME_BYTES]) {
    wal_segment_name(log->segments[index].header.file_number, name);
}

void wal_abandon(struct wal_log *log) {
    disk_close(&log->active);
    disk_close(&log->slots.fd);
    disk_close(&log->lock);
    disk_close(&log->directory);
    wal_intervals_free(&log->unsettled);
    wal_report_free(&log->report);
    free(log->segments);
    free(log);
}

/* Why the newest file cannot be called durable at its length, or null. */
static const char *why_unclean(const struct wal_log *log) {
    if (log->has_failed) return "a sync failed";
    if (log->active < 0) return "there is no file that can be appended to";
    if (log->is_sealed) return "the newest file was cut back";
    if (log->has_leftover) return "a rotation failed and left its file behind";
    return NULL;
}

bool wal_close(struct wal_log *log, char *why, size_t why_bytes) {
    const char *reason = why_unclean(log);
    int failed = 0;
    if (log->segment_count > 0) {
        uint64_t size = log->segments[log->segment_count - 1].size;
        bool says_so = log->is_marked && log->slots.fd >= 0 &&
                       log->slots.last.acknowledged_through == wal_watermark(log);
        /* Everything in the file has been synced, so the mark is true before it is written. */
        failed = says_so ? wal_slots_affirm(log) : wal_slots_write(log, reason == NULL ? size : 0);
        if (failed == 0) wal_delete_settled(log);
    }
    if (reason == NULL && failed != 0) reason = "the acknowledgement file cannot be written";
    snprintf(why, why_bytes, "%s", reason != NULL ? reason : "");
    wal_abandon(log);
    return reason == NULL;
}
