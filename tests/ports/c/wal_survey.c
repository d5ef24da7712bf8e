/* What a directory holds, and whose it is (sections 4, 5.1 to 5.3 of recovery; ACK-1.2).
 *
 * First what was begun before is completed: a salvage, and the swap of an acknowledgement file. From
 * then on nothing is changed here.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "wal_log.h"

static bool same_id(const uint8_t *a, const uint8_t *b) { return memcmp(a, b, WAL_LOG_ID_BYTES) == 0; }

static bool is_zero_id(const uint8_t *id) {
    static const uint8_t zero[WAL_LOG_ID_BYTES];
    return same_id(id, zero);
}

/* ---- what was begun (CLI-3.1, ACK-4.1) ---- */

static int complete_salvages(int directory, const struct disk_listing *list) {
    for (size_t i = 0; i < list->count; i++) {
        uint32_t number;
        char name[WAL_NAME_BYTES];
        const struct disk_file *file = &list->files[i];
        if (!file->is_regular || wal_name_kind_of(file->name, &number) != WAL_NAME_SALVAGED) continue;
        wal_segment_name(number, name);
        if (disk_listing_find(list, name) != NULL) continue;
        int failed = disk_rename_new(directory, file->name, name);
        /* Without this sync the numbers of this file could be handed out again after a power cut
         * that leaves it under the name that nobody reads. */
        if (failed == 0) failed = disk_sync_directory(directory);
        if (failed != 0) return failed;
    }
    return 0;
}

static int complete_swap(int directory, const struct disk_listing *list) {
    const struct disk_file *made = disk_listing_find(list, WAL_ACK_NEW_NAME);
    if (made == NULL || !made->is_regular || disk_listing_find(list, WAL_ACK_NAME) != NULL) return 0;
    int fd = -1, failed = disk_open(directory, WAL_ACK_NEW_NAME, &fd);
    bool is_good = true;
    for (uint64_t i = 0; i < 2 && failed == 0; i++) {
        uint8_t bytes[WAL_HEADER_BYTES];
        struct wal_slot slot;
        size_t got = 0;
        failed = disk_read(fd, i * WAL_COPY_OFFSET, bytes, sizeof bytes, &got);
        is_good = is_good && wal_slot_decode(bytes, got, &slot) == WAL_VERDICT_GOOD;
    }
    disk_close(&fd);
    if (failed != 0 || !is_good) return failed;
    failed = disk_rename_new(directory, WAL_ACK_NEW_NAME, WAL_ACK_NAME);
    /* Without this sync the name could be lost behind a deletion that relies on this file. */
    return failed != 0 ? failed : disk_sync_directory(directory);
}

/* ---- headers (FMT-4.2, FMT-4.3) ---- */

static enum wal_code read_segment(struct wal_log *log, const struct disk_file *file, uint32_t number,
                                  struct wal_segment *s, int *failed) {
    uint8_t block[WAL_BLOCK_BYTES];
    size_t got = 0;
    int fd = -1;
    *failed = disk_open(log->directory, file->name, &fd);
    if (*failed == 0) *failed = disk_read(fd, 0, block, sizeof block, &got);
    disk_close(&fd);
    if (*failed != 0) return WAL_DISK_UNREADABLE;
    *s = (struct wal_segment){.state = WAL_SEGMENT_UNREADABLE, .size = file->size, .bad_copy = -1};
    s->header.file_number = number;
    struct wal_header copies[2];
    enum wal_verdict verdicts[2];
    for (int i = 0; i < 2; i++) {
        size_t at = (size_t)i * WAL_COPY_OFFSET;
        verdicts[i] = wal_header_decode(block + at, got > at ? got - at : 0, &copies[i]);
        if (verdicts[i] == WAL_VERDICT_GOOD && copies[i].file_number == number &&
            s->state == WAL_SEGMENT_UNREADABLE) {
            s->state = WAL_SEGMENT_OURS; /* until it is known whose it is */
            s->header = copies[i];
            if (got < WAL_COPY_OFFSET + WAL_HEADER_BYTES ||
                memcmp(block, block + WAL_COPY_OFFSET, WAL_HEADER_BYTES) != 0)
                s->bad_copy = i == 0 ? WAL_COPY_OFFSET : 0;
        }
    }
    for (int i = 0; i < 2 && s->state == WAL_SEGMENT_UNREADABLE; i++) {
        if (verdicts[i] == WAL_VERDICT_UNSUPPORTED) return WAL_UNSUPPORTED_VERSION;
        if (verdicts[i] == WAL_VERDICT_GOOD) break; /* that of another file decides */
    }
    return WAL_OK;
}

static int by_number(const void *a, const void *b) {
    uint32_t x = ((const struct wal_segment *)a)->header.file_number;
    uint32_t y = ((const struct wal_segment *)b)->header.file_number;
    return x < y ? -1 : x > y;
}

/* ---- interrupted rotations (REC-5.2) ---- */

/* The newest file is a header block at most, and its header is an earlier log's, still on the blocks
 * that it was given. */
static bool is_earlier_logs(const struct wal_log *log, const struct wal_survey *survey, size_t i) {
    const struct wal_header *mine = &survey->segments[i].header;
    const struct wal_slots *slots = &log->slots;
    for (int k = 0; k < 2; k++)
        if (slots->verifies[k] && same_id(slots->found[k].log_id, mine->log_id)) return false;
    for (size_t before = i; before-- > 0;) {
        const struct wal_segment *s = &survey->segments[before];
        if (s->state == WAL_SEGMENT_UNREADABLE) continue;
        return !same_id(mine->log_id, s->header.log_id) &&
               !same_id(mine->previous_log_id, s->header.log_id);
    }
    return false; /* the only one that can be read: it is the log */
}

static void add_leftover(struct wal_survey *survey, const char *name) {
    survey->leftovers = wal_allocate(survey->leftovers, survey->leftover_count + 1, WAL_NAME_BYTES);
    snprintf(survey->leftovers[survey->leftover_count++], WAL_NAME_BYTES, "%s", name);
}

static void drop_interrupted_rotations(const struct wal_log *log, struct wal_survey *survey) {
    while (survey->count > 0) {
        const struct wal_segment *last = &survey->segments[survey->count - 1];
        if (last->size > WAL_BLOCK_BYTES) return;
        if (last->state != WAL_SEGMENT_UNREADABLE && !is_earlier_logs(log, survey, survey->count - 1))
            return;
        char name[WAL_NAME_BYTES];
        wal_segment_name(last->header.file_number, name);
        add_leftover(survey, name);
        survey->count--;
    }
}

/* ---- identity (REC-5.1) ---- */

static void judge_identity(struct wal_log *log, struct wal_survey *survey) {
    size_t room = survey->count * 2 + 2, known = 0;
    uint8_t(*chain)[WAL_LOG_ID_BYTES] = wal_allocate(NULL, room, WAL_LOG_ID_BYTES);
    const struct wal_header *newest = NULL;
    survey->newest = SIZE_MAX;
    for (size_t i = survey->count; i-- > 0 && newest == NULL;)
        if (survey->segments[i].state == WAL_SEGMENT_OURS) newest = &survey->segments[survey->newest = i].header;
    if (newest != NULL) {
        memcpy(log->log_id, newest->log_id, WAL_LOG_ID_BYTES);
        memcpy(log->previous_log_id, newest->previous_log_id, WAL_LOG_ID_BYTES);
        memcpy(chain[known++], newest->log_id, WAL_LOG_ID_BYTES);
    }
    for (size_t at = 0; at < known; at++) /* each member adds what its headers name as previous */
        for (size_t i = 0; i < survey->count; i++) {
            const struct wal_segment *s = &survey->segments[i];
            if (s->state != WAL_SEGMENT_OURS || !same_id(s->header.log_id, chain[at])) continue;
            bool is_new = !is_zero_id(s->header.previous_log_id);
            for (size_t k = 0; k < known && is_new; k++)
                is_new = !same_id(chain[k], s->header.previous_log_id);
            if (is_new) memcpy(chain[known++], s->header.previous_log_id, WAL_LOG_ID_BYTES);
        }
    for (size_t i = 0; i < survey->count; i++) {
        struct wal_segment *s = &survey->segments[i];
        bool is_ours = false;
        for (size_t k = 0; k < known; k++) is_ours = is_ours || same_id(chain[k], s->header.log_id);
        if (s->state == WAL_SEGMENT_OURS && !is_ours) s->state = WAL_SEGMENT_FOREIGN;
    }
    struct wal_slots *slots = &log->slots;
    for (int i = 0; i < 2; i++) {
        for (size_t k = 0; k < known && slots->verifies[i]; k++)
            slots->usable[i] = slots->usable[i] || same_id(chain[k], slots->found[i].log_id);
        if (slots->usable[i] && /* of two equal ones the slot at 0 */
            (!slots->usable[0] || i == 0 || slots->found[i].generation > slots->last.generation))
            slots->last = slots->found[i];
    }
    free(chain);
}

static void sort_names(struct wal_log *log, struct wal_survey *survey) {
    for (size_t i = 0; i < survey->list.count; i++) {
        const struct disk_file *file = &survey->list.files[i];
        uint32_t number;
        enum wal_name_kind kind = wal_name_kind_of(file->name, &number);
        if (kind == WAL_NAME_OTHER || !file->is_regular)
            wal_names_add(&log->report.ignored, file->name);
        else if (kind == WAL_NAME_SEGMENT_NEW || strcmp(file->name, WAL_ACK_NEW_NAME) == 0)
            add_leftover(survey, file->name);
        else if (kind == WAL_NAME_QUARANTINE || strcmp(file->name, WAL_DEAD_NAME) == 0)
            log->used_bytes += file->size;
    }
}

enum wal_code wal_survey_take(struct wal_log *log, struct wal_survey *survey, char *why,
                              size_t why_bytes) {
    memset(survey, 0, sizeof *survey);
    int failed = disk_list(log->directory, &survey->list);
    if (failed == 0) failed = complete_salvages(log->directory, &survey->list);
    if (failed == 0) failed = complete_swap(log->directory, &survey->list);
    disk_listing_free(&survey->list);
    if (failed == 0) failed = disk_list(log->directory, &survey->list);
    enum wal_code code = failed == 0 ? WAL_OK : WAL_DISK_UNREADABLE;
    if (code == WAL_OK) code = wal_slots_read(&log->slots, log->directory, &survey->list, &failed);
    for (size_t i = 0; i < survey->list.count && code == WAL_OK; i++) {
        const struct disk_file *file = &survey->list.files[i];
        uint32_t number;
        if (!file->is_regular || wal_name_kind_of(file->name, &number) != WAL_NAME_SEGMENT) continue;
        survey->segments = wal_allocate(survey->segments, survey->count + 1, sizeof(struct wal_segment));
        struct wal_segment *s = &survey->segments[survey->count];
        code = read_segment(log, file, number, s, &failed);
        if (code == WAL_OK) survey->count++;
        if (code == WAL_OK && s->state == WAL_SEGMENT_OURS && number > log->highest_number)
            log->highest_number = number;
    }
    if (code != WAL_OK) {
        snprintf(why, why_bytes, "%s", failed ? strerror(failed) : "a later version wrote a header");
        return code;
    }
    if (survey->count > 0) qsort(survey->segments, survey->count, sizeof *survey->segments, by_number);
    drop_interrupted_rotations(log, survey);
    judge_identity(log, survey);
    sort_names(log, survey);
    return WAL_OK;
}

void wal_survey_free(struct wal_survey *survey) {
    disk_listing_free(&survey->list);
    free(survey->segments);
    free(survey->leftovers);
}
