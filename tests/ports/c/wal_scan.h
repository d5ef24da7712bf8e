/* Reading one segment from 8192 to its end (section 9, first table), in bounded memory. */
#ifndef WAL_SCAN_H
#define WAL_SCAN_H

#include "wal_disk.h"

/* A window on a file: asked for a stretch, it reads on from there. */
struct wal_window {
    int fd;
    uint64_t size; /* of the file */
    uint64_t start;
    size_t filled, room;
    uint8_t *bytes;
    int failed; /* errno of the first read that failed: then every stretch is refused */
};

/* `count` bytes at `offset`, up to WAL_FRAME_HEADER_BYTES + WAL_BODY_BYTES_MAX, or null: beyond the
 * end, or a failed read. Good until the next call. */
const uint8_t *wal_window_at(struct wal_window *window, uint64_t offset, size_t count);
void wal_window_free(struct wal_window *window);

enum wal_scan_kind {
    WAL_SCAN_FRAME,    /* verifies */
    WAL_SCAN_BAD_BODY, /* its header verifies, its body does not */
    WAL_SCAN_REGION,   /* no header verifies up to the next boundary */
    WAL_SCAN_END       /* nothing more that is complete; or a read failed */
};

struct wal_scan_item {
    enum wal_scan_kind kind;
    uint64_t offset, length;
    struct wal_frame_header header; /* not of a region */
    const uint8_t *body;            /* of a frame; good until the next call */
    bool is_behind;                 /* the number is below what the file expects: stale */
    uint64_t missing_from, missing_to; /* numbers that should stand before it and do not; of a
                                          region, those that it hides */
};

struct wal_scan {
    struct wal_header header;
    struct wal_frame_key key;
    struct wal_window window;
    uint64_t at, limit;
    uint64_t expected;      /* what the file expects (section 9) */
    uint64_t complete_end;  /* behind the last frame that verified */
    uint64_t complete_expected; /* what the file expected there */
};

/* Reads frames up to `limit`; 0: to the file's end. The descriptor stays the caller's. */
void wal_scan_begin(struct wal_scan *scan, int fd, uint64_t size, const struct wal_header *header,
                    uint64_t limit);
void wal_scan_next(struct wal_scan *scan, struct wal_scan_item *item);
void wal_scan_end(struct wal_scan *scan);
/* What is expected behind a record with this number (FMT-4.6). */
uint64_t wal_expected_behind(const struct wal_header *header, uint64_t sequence);

#endif
