/* Reads all segments in numeric order, and sorts what it finds into delivered, settled, and damaged
 * (section 9). Each file is read twice: what stands behind its last complete frame is a tail, and that
 * is known only at its end. */
#include <stdio.h>

#include "wal_log.h"

struct walk {
    struct wal_log *log;
    struct wal_account *account;
    struct wal_segment *segment;
    uint64_t watermark;
    char name[WAL_NAME_BYTES];
};

/* An entry that nobody has settled. */
static void deliver(struct walk *w, const struct wal_scan_item *item) {
    struct wal_log *log = w->log;
    struct wal_entry entry;
    struct wal_event event;
    size_t offset;
    uint64_t sequence = item->header.sequence;
    if (wal_entry_decode(&item->header, item->body, &entry, &event, &offset) != WAL_OK) {
        static const char reason[] = "undecodable";
        struct wal_text text = {(const uint8_t *)reason, sizeof reason - 1, true};
        int failed = wal_letter_append(log, sequence, text, item->body + 8, item->header.body_bytes - 12);
        struct wal_damage damage = {WAL_UNDECODABLE_ENTRY, failed ? WAL_FATE_NONE : WAL_DEAD_LETTERED,
                                    "", item->offset, item->length, sequence, 1};
        snprintf(damage.file, sizeof damage.file, "%s", w->name);
        wal_report_add(&log->report, &damage);
        if (!failed) return; /* it counts as settled only now that its letter is durable (REC-11.1) */
    } else {
        log->report.entries++;
    }
    wal_intervals_add(&log->unsettled, sequence, sequence + 1);
    if (w->segment->first_entry == 0) w->segment->first_entry = sequence;
    w->segment->last_entry = sequence;
}

static void take_frame(struct walk *w, const struct wal_scan_item *item) {
    struct wal_account *account = w->account;
    const struct wal_header *h = &w->segment->header;
    uint64_t sequence = item->header.sequence;
    if (item->missing_from < item->missing_to)
        wal_account_numbers(account, WAL_MISSING_NUMBERS, WAL_LOST, w->name, item->offset, 0,
                            wal_larger(item->missing_from, account->expected), item->missing_to, true);
    bool is_known = sequence < account->expected; /* a lower-numbered file wins (REC-4.2) */
    bool is_copy = sequence >= h->relocated_from && sequence < h->continues_from;
    if (item->is_behind || (is_known && !is_copy)) {
        wal_account_none(account, WAL_STALE_FRAME, w->name, item->offset, item->length);
        return;
    }
    if (sequence >= h->first_sequence) w->segment->highest_own = sequence;
    if (is_known) return;
    if (sequence > w->watermark) deliver(w, item);
    wal_intervals_add(&account->known, sequence, sequence + 1);
}

static void take_item(struct walk *w, const struct wal_scan *scan, const struct wal_scan_item *item) {
    struct wal_account *account = w->account;
    if (item->kind == WAL_SCAN_FRAME) {
        take_frame(w, item);
    } else {
        bool is_body = item->kind == WAL_SCAN_BAD_BODY;
        uint64_t end = !is_body ? item->missing_to : item->is_behind ? 0 : item->header.sequence + 1;
        wal_account_numbers(account, is_body ? WAL_DAMAGED_BODY : WAL_DAMAGED_REGION, WAL_LOST, w->name,
                            item->offset, item->length, wal_larger(item->missing_from, account->expected),
                            end, true);
        wal_account_keep(account, w->segment, item->offset, item->length);
    }
    account->expected = wal_larger(account->expected, scan->expected);
    account->highest = wal_larger(account->highest, scan->expected);
}

static int find_end(struct wal_segment *segment, int fd, uint64_t expected) {
    struct wal_scan scan;
    struct wal_scan_item item;
    wal_scan_begin(&scan, fd, segment->size, &segment->header, 0);
    expected = wal_larger(expected, scan.expected);
    for (wal_scan_next(&scan, &item); item.kind != WAL_SCAN_END; wal_scan_next(&scan, &item)) {
        if (item.kind != WAL_SCAN_FRAME) continue;
        segment->has_complete = true;
        if (!item.is_behind && item.header.sequence >= expected) segment->has_fresh = true;
    }
    segment->complete_end = scan.complete_end;
    wal_scan_end(&scan);
    return scan.window.failed;
}

/* What stands behind the last complete frame, or should stand there. */
static void take_end(struct walk *w, const struct wal_scan *scan, bool reaches_tail) {
    const struct wal_header *h = &w->segment->header;
    const struct wal_slot *mark = &w->log->slots.last;
    struct wal_account *account = w->account;
    uint64_t expected = scan->complete_expected, size = w->segment->size;
    if (reaches_tail) {
        uint64_t length = size - scan->complete_end, most = wal_records_in(length);
        struct wal_stretch tail = {.segment = w->segment, .is_tail = true,
                                   .offset = scan->complete_end, .length = length};
        uint64_t own = wal_larger(expected, h->first_sequence);
        if (expected < h->continues_from) /* the copies that are missing, too (REC-6.3) */
            tail.numbers[0] = (struct wal_interval){expected, h->continues_from};
        tail.numbers[1] = (struct wal_interval){own, own + most};
        wal_account_open(account, tail);
    } else if (expected < h->continues_from) {
        /* Holes among copies tell nothing, but the clean mark does (ACK-3.1). */
        if (mark->clean_file == h->file_number && size < mark->clean_length)
            wal_account_numbers(account, WAL_MISSING_END, WAL_POSSIBLY_LOST, w->name, size, 0,
                                wal_larger(expected, account->expected), h->continues_from, false);
        expected = h->first_sequence;
    }
    account->expected = wal_larger(account->expected, expected);
}

static int take_segment(struct walk *w) {
    struct wal_segment *segment = w->segment;
    struct wal_account *account = w->account;
    int fd = -1, failed = disk_open(w->log->directory, w->name, &fd);
    if (failed != 0) return failed;
    failed = find_end(segment, fd, account->expected);
    if (failed == 0) {
        if (segment->bad_copy >= 0)
            wal_account_none(account, WAL_HEADER_COPY, w->name, (uint64_t)segment->bad_copy,
                             WAL_HEADER_BYTES);
        wal_account_header(account, segment);
        struct wal_scan scan;
        struct wal_scan_item item;
        wal_scan_begin(&scan, fd, segment->size, &segment->header, segment->complete_end);
        for (wal_scan_next(&scan, &item); item.kind != WAL_SCAN_END; wal_scan_next(&scan, &item))
            take_item(w, &scan, &item);
        take_end(w, &scan, scan.complete_end < segment->size);
        failed = scan.window.failed;
        wal_scan_end(&scan);
    }
    disk_close(&fd);
    return failed;
}

enum wal_code wal_walk(struct wal_log *log, struct wal_survey *survey, struct wal_account *account,
                       uint64_t watermark, char *why, size_t why_bytes) {
    struct walk w = {.log = log, .account = account, .watermark = watermark};
    for (size_t i = 0; i < survey->count; i++) {
        struct wal_segment *segment = w.segment = &survey->segments[i];
        int failed = 0;
        wal_segment_name(segment->header.file_number, w.name);
        if (segment->state == WAL_SEGMENT_FOREIGN) {
            wal_account_none(account, WAL_FOREIGN_FILE, w.name, 0, segment->size);
        } else if (segment->state == WAL_SEGMENT_UNREADABLE) {
            uint64_t from = wal_account_open_from(account), size = segment->size;
            uint64_t most = size > WAL_BLOCK_BYTES ? wal_records_in(size - WAL_BLOCK_BYTES) : 0;
            wal_account_open(account, (struct wal_stretch){.segment = segment, .length = size,
                                                           .numbers = {{from, from + most}}});
        } else {
            failed = take_segment(&w);
        }
        if (failed != 0) {
            snprintf(why, why_bytes, "%s: %s", w.name, strerror(failed));
            return WAL_DISK_UNREADABLE;
        }
    }
    return WAL_OK;
}
