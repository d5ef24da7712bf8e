/* Evidence (REC-8.1): damaged stretches are copied aside within bounds, whole files are moved. A
 * failure here never stops recovery. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "wal_log.h"

enum { PIECE_BYTES = 1 << 16 };

/* Reads a stretch piece by piece: its CRC, and whether it is all zeros; with `into` >= 0 a copy. */
static int read_stretch(int from, const struct wal_stretch *s, int into, uint32_t *crc, bool *is_zero) {
    uint8_t *piece = wal_allocate(NULL, PIECE_BYTES, 1);
    int failed = 0;
    *crc = 0;
    *is_zero = true;
    for (uint64_t done = 0; done < s->length && failed == 0;) {
        size_t want = s->length - done < PIECE_BYTES ? (size_t)(s->length - done) : PIECE_BYTES, got = 0;
        failed = disk_read(from, s->offset + done, piece, want, &got);
        if (failed == 0 && got < want) failed = EIO;
        for (size_t i = 0; i < got && *is_zero; i++) *is_zero = piece[i] == 0;
        *crc = wal_crc32(*crc, piece, got);
        if (failed == 0 && into >= 0) failed = disk_write(into, done, piece, got);
        done += got;
    }
    free(piece);
    return failed;
}

struct copies { /* all in the directory (REC-8.1: the oldest are kept) */
    uint64_t files, bytes;
};

static bool copy_aside(struct wal_log *log, const struct wal_stretch *s, int from, const char *name,
                       const struct disk_listing *list, struct copies *there) {
    const struct disk_file *file = disk_listing_find(list, name);
    if (file != NULL && file->is_regular && file->size == s->length) return true;
    if (file != NULL && !file->is_regular) return false;
    uint64_t files = there->files - (file != NULL), bytes = there->bytes - (file != NULL ? file->size : 0);
    if (files >= log->config.quarantine_files_max || s->length > log->config.quarantine_bytes_max ||
        bytes > log->config.quarantine_bytes_max - s->length)
        return false;
    int into = -1;
    uint32_t crc;
    bool is_zero;
    if (file != NULL && disk_unlink(log->directory, name) != 0) return false;
    *there = (struct copies){files, bytes};
    if (file != NULL) log->used_bytes -= file->size;
    if (disk_create(log->directory, name, &into) != 0) return false;
    int failed = read_stretch(from, s, into, &crc, &is_zero);
    /* Without these syncs the only copy of what was damaged could be gone with the old file. */
    if (failed == 0) failed = disk_sync(into);
    if (failed == 0) failed = disk_sync_directory(log->directory);
    disk_close(&into);
    if (failed != 0) {
        (void)disk_unlink(log->directory, name); /* half a copy is made again by the next open */
        return false;
    }
    there->files++;
    there->bytes += s->length;
    log->used_bytes += s->length;
    return true;
}

static void keep(struct wal_log *log, const struct wal_stretch *s, const struct disk_listing *list,
                 struct copies *there) {
    char segment[WAL_NAME_BYTES], name[WAL_NAME_BYTES];
    uint32_t crc;
    bool is_zero = false;
    int fd = -1;
    wal_segment_name(s->segment->header.file_number, segment);
    int failed = disk_open(log->directory, segment, &fd);
    if (failed == 0) failed = read_stretch(fd, s, -1, &crc, &is_zero);
    if (failed == 0 && !is_zero) {
        snprintf(name, sizeof name, "%.40s@%" PRIu64 "+%" PRIu64 "-%08" PRIx32 ".quarantine", segment,
                 s->offset, s->length, crc);
        if (copy_aside(log, s, fd, name, list, there))
            wal_names_add(&log->report.quarantined, name);
        else
            log->report.not_kept++;
    }
    if (failed != 0) log->report.not_kept++;
    disk_close(&fd);
}

void wal_quarantine(struct wal_log *log, struct wal_account *account, const struct disk_listing *list) {
    struct copies there = {0, 0};
    for (size_t i = 0; i < list->count; i++) {
        uint32_t number;
        if (!list->files[i].is_regular ||
            wal_name_kind_of(list->files[i].name, &number) != WAL_NAME_QUARANTINE)
            continue;
        there.files++;
        there.bytes += list->files[i].size;
    }
    for (size_t i = 0; i < account->kept_count; i++) keep(log, &account->kept[i], list, &there);
}

void wal_set_aside(struct wal_log *log, const struct wal_segment *segment) {
    char name[WAL_NAME_BYTES], aside[WAL_NAME_BYTES + 64];
    const char *word = segment->state == WAL_SEGMENT_FOREIGN ? "foreign" : "unreadable";
    wal_segment_name(segment->header.file_number, name);
    int failed = EEXIST;
    for (unsigned copy = 1; copy < 10000 && failed == EEXIST; copy++) {
        snprintf(aside, sizeof aside, copy == 1 ? "%s.%s" : "%s.%s.%u", name, word, copy);
        failed = disk_rename_new(log->directory, name, aside);
    }
    /* Without this sync the file is only found here again by the next open, which is no harm: it is
     * there so that the report is true when it is read. */
    if (failed == 0) failed = disk_sync_directory(log->directory);
    if (failed == 0) wal_names_add(&log->report.quarantined, aside);
}
