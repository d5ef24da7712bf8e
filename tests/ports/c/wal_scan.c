/* The reader of section 9: accept, skip, search. Each byte is looked at a bounded number of times,
 * whatever the file holds (REC-1.1, REC-3.2). */
#include <stdlib.h>

#include "wal_scan.h"

enum { WINDOW_BYTES = WAL_FRAME_HEADER_BYTES + WAL_BODY_BYTES_MAX, WINDOW_STEP = 1 << 16 };

const uint8_t *wal_window_at(struct wal_window *w, uint64_t offset, size_t count) {
    if (w->failed || offset > w->size || count > w->size - offset) return NULL;
    if (offset >= w->start && offset + count <= w->start + w->filled)
        return w->bytes + (offset - w->start);
    /* Keep what is there already, so that a search that crawls along reads each byte once. */
    size_t kept = 0;
    if (offset >= w->start && offset < w->start + w->filled) {
        kept = (size_t)(w->start + w->filled - offset);
        memmove(w->bytes, w->bytes + (offset - w->start), kept);
    }
    size_t want = count > WINDOW_STEP ? count : WINDOW_STEP;
    if (want > w->size - offset) want = (size_t)(w->size - offset);
    if (want > w->room) {
        w->room = want > WINDOW_STEP ? WINDOW_BYTES : WINDOW_STEP;
        w->bytes = wal_allocate(w->bytes, w->room, 1);
    }
    size_t got = 0;
    w->failed = disk_read(w->fd, offset + kept, w->bytes + kept, want - kept, &got);
    w->start = offset;
    w->filled = kept + got;
    return !w->failed && count <= w->filled ? w->bytes : NULL;
}

void wal_window_free(struct wal_window *window) {
    free(window->bytes);
    window->bytes = NULL;
}

uint64_t wal_expected_behind(const struct wal_header *h, uint64_t sequence) {
    if (sequence + 1 < h->continues_from) return sequence + 1;
    return sequence < h->first_sequence ? h->first_sequence : sequence + 1;
}

void wal_scan_begin(struct wal_scan *scan, int fd, uint64_t size, const struct wal_header *header,
                    uint64_t limit) {
    memset(scan, 0, sizeof *scan);
    scan->header = *header;
    scan->key = wal_frame_key_of(header->salt, header->file_number);
    scan->window.fd = fd;
    scan->window.size = size;
    scan->at = scan->complete_end = WAL_BLOCK_BYTES;
    scan->limit = limit != 0 ? limit : size;
    scan->expected = header->relocated_from < header->continues_from ? header->relocated_from
                                                                     : header->first_sequence;
    scan->complete_expected = scan->expected;
}

void wal_scan_end(struct wal_scan *scan) { wal_window_free(&scan->window); }

/* A header that verifies, of a frame that lies wholly inside the file. */
static bool header_at(struct wal_scan *scan, uint64_t offset, struct wal_frame_header *header) {
    const uint8_t *bytes = wal_window_at(&scan->window, offset, WAL_FRAME_HEADER_BYTES);
    return bytes != NULL && wal_frame_header_verify(&scan->key, offset, bytes, header) &&
           header->body_bytes <= scan->window.size - offset - WAL_FRAME_HEADER_BYTES;
}

/* REC-3.1. The bound keeps a number that no writer can have reached from being believed. */
static bool is_boundary(const struct wal_scan *scan, uint64_t sequence, uint64_t distance) {
    const struct wal_header *h = &scan->header;
    if (sequence < scan->expected) return false;
    uint64_t most = scan->expected > h->first_sequence ? scan->expected : h->first_sequence;
    return sequence < h->continues_from || sequence <= most ||
           sequence - most <= distance / WAL_FRAME_BYTES_MIN;
}

static bool find_boundary(struct wal_scan *scan, uint64_t *at, uint64_t *sequence) {
    uint64_t start = scan->at;
    for (uint64_t offset = start + 1;; offset++) {
        const uint8_t *bytes = wal_window_at(&scan->window, offset, WAL_FRAME_HEADER_BYTES);
        if (bytes == NULL || offset >= scan->limit) return false;
        /* Skip to the next byte that may begin a sync word, as far as the window reaches. */
        size_t left = scan->window.filled - (size_t)(offset - scan->window.start);
        size_t usable = left - WAL_FRAME_HEADER_BYTES + 1;
        const uint8_t *hit = memchr(bytes, scan->key.sync_word[0], usable);
        if (hit == NULL) {
            offset += usable - 1;
            continue;
        }
        offset += (uint64_t)(hit - bytes);
        struct wal_frame_header header;
        if (offset < scan->limit && header_at(scan, offset, &header) &&
            is_boundary(scan, header.sequence, offset - start)) {
            *at = offset;
            *sequence = header.sequence;
            return true;
        }
    }
}

/* What a region up to a boundary with this number hides. Among copies holes are no news, but what a
 * region covers may have stood in it; none of a declared gap is (FMT-4.5). */
static void hide(struct wal_scan *scan, uint64_t sequence, struct wal_scan_item *item) {
    const struct wal_header *h = &scan->header;
    item->missing_from = scan->expected;
    item->missing_to = sequence;
    if (scan->expected < h->continues_from && sequence >= h->continues_from &&
        h->continues_from < h->first_sequence) {
        item->missing_to = h->continues_from;
        scan->expected = h->first_sequence;
    } else {
        scan->expected = sequence;
    }
}

void wal_scan_next(struct wal_scan *scan, struct wal_scan_item *item) {
    const struct wal_header *h = &scan->header;
    memset(item, 0, sizeof *item);
    item->kind = WAL_SCAN_END;
    item->offset = scan->at;
    if (scan->at >= scan->limit) return;
    if (!header_at(scan, scan->at, &item->header)) {
        uint64_t sequence;
        if (scan->window.failed || !find_boundary(scan, &scan->at, &sequence)) return;
        item->kind = WAL_SCAN_REGION;
        item->length = scan->at - item->offset;
        hide(scan, sequence, item);
        return;
    }
    item->length = WAL_FRAME_HEADER_BYTES + (uint64_t)item->header.body_bytes;
    const uint8_t *frame = wal_window_at(&scan->window, scan->at, (size_t)item->length);
    if (frame == NULL) return;
    uint64_t sequence = item->header.sequence;
    item->body = frame + WAL_FRAME_HEADER_BYTES;
    item->kind = wal_frame_body_verify(&item->header, item->body) ? WAL_SCAN_FRAME : WAL_SCAN_BAD_BODY;
    item->is_behind = sequence < scan->expected;
    scan->at += item->length;
    if (!item->is_behind) {
        uint64_t from = scan->expected > h->first_sequence ? scan->expected : h->first_sequence;
        item->missing_from = from < sequence ? from : sequence;
        item->missing_to = sequence;
        scan->expected = wal_expected_behind(h, sequence);
    }
    if (item->kind == WAL_SCAN_FRAME) {
        scan->complete_end = scan->at;
        scan->complete_expected = scan->expected;
    }
}
