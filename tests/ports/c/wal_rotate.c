/* Starting a new segment (WAL-3.1, WAL-3.3). */
#include <errno.h>

#include "wal_log.h"

enum { NUMBERS_TRIED = 1000 };

uint64_t wal_number_take(struct wal_log *log) {
    for (int i = 0; i < NUMBERS_TRIED && log->highest_number < WAL_FILE_NUMBER_MAX; i++) {
        char name[WAL_NAME_BYTES], temporary[WAL_NAME_BYTES + 4];
        uint64_t number = ++log->highest_number; /* taken, whatever becomes of it */
        wal_segment_name(number, name);
        memcpy(temporary, name, sizeof name);
        strcat(temporary, ".new");
        if (!disk_exists(log->directory, name) && !disk_exists(log->directory, temporary)) return number;
    }
    return 0;
}

struct wal_header wal_header_new(struct wal_log *log, uint64_t number, uint64_t relocated_from,
                                 uint64_t continues_from, int *failed) {
    struct wal_header h = {.file_number = (uint32_t)number,
                           .relocated_from = relocated_from,
                           .continues_from = continues_from,
                           .first_sequence = log->next_sequence};
    memcpy(h.log_id, log->log_id, WAL_LOG_ID_BYTES);
    memcpy(h.previous_log_id, log->previous_log_id, WAL_LOG_ID_BYTES);
    *failed = log->next_sequence > WAL_SEQUENCE_MAX ? ERANGE : 0; /* no number is left */
    if (*failed == 0) *failed = disk_random(&log->source, h.salt, sizeof h.salt);
    return h;
}

int wal_rotate(struct wal_log *log) {
    uint64_t number = wal_number_take(log);
    if (number == 0) return EEXIST;
    int fd = -1, failed;
    char name[WAL_NAME_BYTES];
    uint8_t block[WAL_BLOCK_BYTES];
    struct wal_header header = wal_header_new(log, number, log->expected, log->expected, &failed);
    if (failed != 0) return failed;
    wal_segment_name(number, name);
    wal_header_encode(&header, block);
    failed = disk_create(log->directory, name, &fd);
    if (failed != 0) return failed;
    failed = disk_write(fd, 0, block, sizeof block);
    /* Without this sync records could be durable behind a header that is not: an unreadable file. */
    if (failed == 0) failed = disk_sync(fd);
    /* And without this one the file could be gone, with the records that were synced in it. */
    if (failed == 0) failed = disk_sync_directory(log->directory);
    if (failed != 0) {
        disk_close(&fd);
        /* What stays is an empty file behind the one that is written on: legal (REC-7.3). */
        if (disk_unlink(log->directory, name) != 0) log->has_leftover = true;
        return failed;
    }
    disk_close(&log->active);
    log->active = fd;
    log->is_sealed = log->is_marked = log->is_degraded = false;
    log->expected = log->next_sequence;
    log->used_bytes += WAL_BLOCK_BYTES;
    wal_segments_add(log, &(struct wal_segment){.header = header, .size = WAL_BLOCK_BYTES,
                                                .bad_copy = -1, .complete_end = WAL_BLOCK_BYTES});
    return 0;
}
