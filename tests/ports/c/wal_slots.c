/* The acknowledgement file (ACK-1.1, ACK-1.2, ACK-4.1): two slots, written in turn, so that a torn
 * write costs the older state only. It fails no append and no acknowledgement. */
#include <errno.h>

#include "wal_log.h"

enum wal_code wal_slots_read(struct wal_slots *slots, int directory, const struct disk_listing *list,
                             int *failed) {
    memset(slots, 0, sizeof *slots);
    slots->fd = -1;
    const struct disk_file *file = disk_listing_find(list, WAL_ACK_NAME);
    if (file == NULL) return WAL_OK;
    slots->is_irregular = !file->is_regular;
    if (slots->is_irregular) return WAL_OK; /* counts as missing, and is left alone */
    slots->was_there = true;
    slots->file_size = file->size;
    *failed = disk_open(directory, WAL_ACK_NAME, &slots->fd);
    for (int i = 0; i < 2 && *failed == 0; i++) {
        size_t got = 0;
        *failed = disk_read(slots->fd, (uint64_t)i * WAL_COPY_OFFSET, slots->bytes[i],
                            WAL_HEADER_BYTES, &got);
        slots->verifies[i] =
            wal_slot_decode(slots->bytes[i], got, &slots->found[i]) == WAL_VERDICT_GOOD;
    }
    return *failed == 0 ? WAL_OK : WAL_DISK_UNREADABLE;
}

/* Both slots are sound and stand where the next write expects them, so that the next write goes over
 * the older one. */
static bool can_be_written(const struct wal_slots *slots) {
    if (slots->fd < 0 || !slots->usable[0] || !slots->usable[1]) return false;
    return slots->file_size == WAL_BLOCK_BYTES && slots->last.generation < WAL_SEQUENCE_MAX &&
           slots->found[slots->last.generation % 2].generation == slots->last.generation;
}

/* The last step of a file that is made: now it is the only one that has the floor, so it is not made
 * once more if this fails. */
static int give_name(struct wal_log *log) {
    int failed = disk_rename_new(log->directory, WAL_ACK_NEW_NAME, WAL_ACK_NAME);
    if (failed != 0) return failed;
    log->slots.is_unnamed = false;
    /* Without this sync a power cut can leave the file under its temporary name. The next open would
     * find it there; but it is what the caller was promised to be done. */
    return disk_sync_directory(log->directory);
}

static int make_anew(struct wal_log *log, const struct wal_slot *slot) {
    struct wal_slots *slots = &log->slots;
    uint8_t block[WAL_BLOCK_BYTES] = {0};
    struct wal_slot copy = *slot;
    copy.generation = slots->last.generation < WAL_SEQUENCE_MAX ? slots->last.generation : 0;
    wal_slot_encode(&copy, block + copy.generation % 2 * WAL_COPY_OFFSET);
    copy.generation++;
    wal_slot_encode(&copy, block + copy.generation % 2 * WAL_COPY_OFFSET);
    if (slots->is_irregular) return EEXIST;
    int fd = -1, failed = disk_unlink(log->directory, WAL_ACK_NEW_NAME);
    if (failed != 0 && failed != ENOENT) return failed;
    failed = disk_create(log->directory, WAL_ACK_NEW_NAME, &fd);
    if (failed != 0) return failed;
    failed = disk_write(fd, 0, block, sizeof block);
    /* Both syncs come before the unlink: at every moment one of the two files has the floor, under a
     * name that a power cut keeps. Without them it could leave neither. */
    if (failed == 0) failed = disk_sync(fd);
    if (failed == 0) failed = disk_sync_directory(log->directory);
    if (failed == 0) failed = disk_unlink(log->directory, WAL_ACK_NAME);
    if (failed == ENOENT) failed = 0;
    if (failed != 0) {
        disk_close(&fd);
        return failed;
    }
    slots->fd = fd;
    slots->is_unnamed = true;
    slots->file_size = WAL_BLOCK_BYTES;
    slots->usable[0] = slots->usable[1] = true;
    slots->last = copy;
    slots->found[0] = slots->found[1] = copy;
    return give_name(log);
}

static int overwrite(struct wal_slots *slots, struct wal_slot *slot) {
    uint8_t bytes[WAL_HEADER_BYTES];
    slot->generation = slots->last.generation + 1;
    wal_slot_encode(slot, bytes);
    uint64_t place = slot->generation % 2 * WAL_COPY_OFFSET;
    int failed = disk_write(slots->fd, place, bytes, sizeof bytes);
    /* Without this sync the watermark could go back behind a deletion, and a withdrawn mark could
     * stand again behind a file that has grown. */
    if (failed == 0) failed = disk_sync(slots->fd);
    if (failed != 0) return failed;
    slots->last = *slot;
    slots->found[slot->generation % 2] = *slot;
    return 0;
}

int wal_slots_write(struct wal_log *log, uint64_t mark_length) {
    struct wal_slots *slots = &log->slots;
    struct wal_slot slot = {.acknowledged_through = wal_watermark(log),
                            .next_sequence = log->next_sequence};
    memcpy(slot.log_id, log->log_id, WAL_LOG_ID_BYTES);
    if (mark_length != 0) {
        slot.clean_file = log->segments[log->segment_count - 1].header.file_number;
        slot.clean_length = mark_length;
        log->is_marked = true; /* a write that fails may have left it: it has to be withdrawn, too */
    }
    int failed = slots->is_unnamed ? give_name(log) : 0;
    if (failed != 0) return failed;
    failed = EIO;
    if (can_be_written(slots)) failed = overwrite(slots, &slot);
    if (failed != 0) {
        /* A descriptor that failed is never trusted again: the kernel tells a failed sync once, and
         * calls the next one good without having written anything. */
        disk_close(&slots->fd);
        failed = make_anew(log, &slot);
    }
    if (failed != 0) return failed;
    log->is_marked = mark_length != 0;
    log->durable_watermark = slot.acknowledged_through;
    log->floor_is_durable = true;
    log->settled_since = 0;
    log->written_ns = disk_monotonic_ns(&log->source);
    return 0;
}

int wal_slots_affirm(struct wal_log *log) {
    struct wal_slots *slots = &log->slots;
    int failed = log->floor_is_durable ? 0 : EIO; /* written by this process: nothing to do */
    if (failed != 0 && can_be_written(slots)) {
        /* The same bytes, so that an open and a close change none (REC-9.1). Without this a power cut
         * could bring back what was settled, though the close was called clean. */
        failed = 0;
        for (int i = 0; i < 2 && failed == 0; i++)
            failed = disk_write(slots->fd, (uint64_t)i * WAL_COPY_OFFSET, slots->bytes[i],
                                WAL_HEADER_BYTES);
        if (failed == 0) failed = disk_sync(slots->fd);
    }
    log->floor_is_durable |= failed == 0;
    uint64_t size = log->segments[log->segment_count - 1].size;
    return failed == 0 ? 0 : wal_slots_write(log, size);
}
