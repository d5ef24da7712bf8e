/* After anything but a clean close the newest file is left behind: what is unsettled in it moves to a
 * new one (REC-7.1 to REC-7.3). So nothing is ever written behind a torn tail, and what was read from
 * the page cache alone becomes durable. */
#include <errno.h>
#include <stdlib.h>

#include "wal_log.h"

enum { BUFFER_BYTES = WAL_FRAME_HEADER_BYTES + WAL_BODY_BYTES_MAX }; /* the largest frame fits */

void wal_old_files(const struct wal_log *log, size_t *from, size_t *to) {
    size_t open = *to = log->segment_count;
    while (open > 0 && !log->segments[open - 1].has_complete) open--;
    if (open == 0) { /* none has a complete frame: all are empty */
        *from = 0;
        return;
    }
    const struct wal_segment *was_open = &log->segments[--open];
    bool was_written_on = open + 1 == *to;
    for (size_t i = open + 1; i < *to; i++) /* a failed rotation left its file, and it was written on */
        was_written_on |= was_open->highest_own >= log->segments[i].header.first_sequence;
    *from = was_written_on ? open : open + 1;
}

/* The header of the new file, from those of the old ones. */
static struct wal_header header_for(struct wal_log *log, size_t from, size_t to, uint64_t number,
                                    int *failed) {
    uint64_t relocated = UINT64_MAX, continues = 0, highest = 0;
    for (size_t i = from; i < to; i++) {
        const struct wal_segment *s = &log->segments[i];
        if (s->header.relocated_from < relocated) relocated = s->header.relocated_from;
        continues = wal_larger(continues, s->header.continues_from);
        highest = wal_larger(highest, s->highest_own);
    }
    if (highest != 0) continues = wal_larger(continues, highest + 1);
    uint64_t settled = log->slots.last.acknowledged_through + 1;
    if (settled > continues) settled = continues;
    return wal_header_new(log, number, wal_larger(relocated, settled), continues, failed);
}

struct copying {
    struct wal_log *log;
    struct wal_header header;
    int fd;
    uint64_t size;
    uint8_t *buffer; /* frames that are not written yet: the last `pending` bytes of `size` */
    size_t pending;
    uint64_t last;               /* the highest number that was copied */
    struct wal_intervals wanted; /* unsettled numbers that these files gave, and are not copied yet */
};

static int flush(struct copying *copy) {
    int failed = disk_write(copy->fd, copy->size - copy->pending, copy->buffer, copy->pending);
    copy->pending = 0;
    return failed;
}

static int copy_frame(struct copying *copy, const struct wal_scan_item *item) {
    struct wal_frame_key key = wal_frame_key_of(copy->header.salt, copy->header.file_number);
    size_t payload = item->header.body_bytes - 12;
    int failed = copy->pending + item->length > BUFFER_BYTES ? flush(copy) : 0;
    wal_frame_encode(&key, copy->size, item->header.sequence, item->body + 8, payload,
                     copy->buffer + copy->pending);
    copy->pending += (size_t)item->length;
    copy->size += item->length;
    copy->last = item->header.sequence;
    wal_intervals_remove(&copy->wanted, copy->last, copy->last + 1);
    return failed;
}

static int copy_file(struct copying *copy, const struct wal_segment *s) {
    char name[WAL_NAME_BYTES];
    struct wal_scan scan;
    struct wal_scan_item item;
    int fd = -1;
    wal_segment_name(s->header.file_number, name);
    int failed = disk_open(copy->log->directory, name, &fd);
    if (failed != 0) return failed;
    wal_scan_begin(&scan, fd, s->size, &s->header, s->complete_end);
    for (wal_scan_next(&scan, &item); item.kind != WAL_SCAN_END && failed == 0;
         wal_scan_next(&scan, &item))
        if (item.kind == WAL_SCAN_FRAME && !item.is_behind && item.header.sequence > copy->last &&
            wal_intervals_have(&copy->log->unsettled, item.header.sequence))
            failed = copy_frame(copy, &item);
    if (failed == 0) failed = scan.window.failed;
    wal_scan_end(&scan);
    disk_close(&fd);
    return failed;
}

static int fill(struct copying *copy, size_t from, size_t to) {
    struct wal_log *log = copy->log;
    uint8_t block[WAL_BLOCK_BYTES];
    copy->buffer = wal_allocate(NULL, BUFFER_BYTES, 1);
    for (size_t i = from; i < to; i++) {
        uint64_t end = log->segments[i].last_entry + 1, first = log->segments[i].first_entry;
        if (first == 0) continue;
        while ((first = wal_intervals_next(&log->unsettled, first, end)) < end) {
            wal_intervals_add(&copy->wanted, first, first + 1);
            first++;
        }
    }
    wal_header_encode(&copy->header, block);
    int failed = disk_write(copy->fd, 0, block, sizeof block);
    copy->size = sizeof block;
    for (size_t i = from; i < to && failed == 0; i++) failed = copy_file(copy, &log->segments[i]);
    if (failed == 0) failed = flush(copy);
    /* A medium that gives other bytes than it did must not cost what was good a moment ago. */
    if (failed == 0 && copy->wanted.count > 0) failed = EIO;
    /* Without this sync the old file could go while the copies are not on the medium. */
    if (failed == 0) failed = disk_sync(copy->fd);
    wal_intervals_free(&copy->wanted);
    free(copy->buffer);
    return failed;
}

/* Newest first, each durably: an older one alone is what was before a failed rotation, a newer one
 * alone would be a gap. */
static void unlink_old(struct wal_log *log, size_t from, size_t to) {
    while (to-- > from) {
        struct wal_segment *s = &log->segments[to];
        char name[WAL_NAME_BYTES];
        /* A file of an older identity is what explains that identity: kept until it is settled. */
        if (memcmp(s->header.log_id, log->log_id, WAL_LOG_ID_BYTES) != 0) return;
        wal_segment_name(s->header.file_number, name);
        if (disk_unlink(log->directory, name) != 0) return;
        log->used_bytes -= s->size;
        log->segment_count--;
        memmove(s, s + 1, (log->segment_count - to) * sizeof *s);
        /* Without this sync the next unlink could be durable and this one not. */
        if (disk_sync_directory(log->directory) != 0) return;
    }
}

int wal_relocate(struct wal_log *log) {
    if (log->segment_count == 0) return wal_rotate(log);
    size_t from, to;
    char name[WAL_NAME_BYTES], temporary[WAL_NAME_BYTES + 4];
    int failed = 0;
    uint64_t number = wal_number_take(log);
    if (number == 0) return EEXIST;
    wal_old_files(log, &from, &to);
    struct copying copy = {.log = log, .fd = -1};
    copy.header = header_for(log, from, to, number, &failed);
    if (failed != 0) return failed;
    wal_segment_name(number, name);
    memcpy(temporary, name, sizeof name);
    strcat(temporary, ".new");
    failed = disk_create(log->directory, temporary, &copy.fd);
    if (failed != 0) return failed;
    failed = fill(&copy, from, to);
    if (failed == 0) failed = disk_rename_new(log->directory, temporary, name);
    if (failed != 0) {
        disk_close(&copy.fd);
        (void)disk_unlink(log->directory, temporary); /* if it stays, the next open removes it */
        return failed;
    }
    /* Without this sync a power cut could leave the new file under its temporary name, which the next
     * open removes, after the old one was unlinked. */
    failed = disk_sync_directory(log->directory);
    if (failed != 0) {
        disk_close(&copy.fd);
        if (disk_unlink(log->directory, name) != 0) log->has_leftover = true;
        return failed;
    }
    disk_close(&log->active);
    log->active = copy.fd;
    log->is_sealed = log->is_degraded = false;
    log->expected = log->next_sequence;
    log->used_bytes += copy.size;
    uint64_t first = UINT64_MAX;
    for (size_t i = from; i < to; i++)
        if (log->segments[i].first_entry != 0 && log->segments[i].first_entry < first)
            first = log->segments[i].first_entry;
    wal_segments_add(log, &(struct wal_segment){.header = copy.header, .size = copy.size,
                                                .bad_copy = -1, .has_complete = copy.last != 0,
                                                .complete_end = copy.size,
                                                .first_entry = copy.last != 0 ? first : 0,
                                                .last_entry = copy.last});
    /* Only when the slots are durable may the old file go: it is what says how far the log was, and
     * what was acknowledged. If they are not, both stay, which is legal. */
    if (wal_slots_write(log, copy.size) == 0) unlink_old(log, from, to);
    return 0;
}
