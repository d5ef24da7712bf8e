/* Opening (section 9). The order of steps is REC-9.2: a crash behind any of them leaves a directory
 * that recovers to the same entries. */
#include <stdio.h>
#include <stdlib.h>

#include "wal_log.h"

/* How far the log was settled when it ended (ACK-1.2). */
static uint64_t settled_through(const struct wal_log *log, const struct wal_survey *survey) {
    uint64_t watermark = log->slots.last.acknowledged_through, records = 0;
    const struct wal_segment *oldest = NULL;
    if (log->slots.usable[0] && log->slots.usable[1]) return watermark;
    for (size_t i = 0; i < survey->count && oldest == NULL; i++) {
        const struct wal_segment *s = &survey->segments[i];
        if (s->state == WAL_SEGMENT_OURS && (s->size > WAL_BLOCK_BYTES || i == survey->newest)) oldest = s;
        if (s->state == WAL_SEGMENT_UNREADABLE && s->size > WAL_BLOCK_BYTES)
            records += wal_records_in(s->size - WAL_BLOCK_BYTES);
    }
    /* A slot is missing, so the newest watermark may be, too. But a file goes only when everything in
     * it is settled, so what stood before the oldest one was. */
    uint64_t below = oldest != NULL ? oldest->header.relocated_from - 1 : 0;
    return wal_larger(watermark, below > records ? below - records : 0);
}

static void report_slots(struct wal_account *account) {
    const struct wal_slots *slots = &account->log->slots;
    if (!slots->was_there || (slots->usable[0] && slots->usable[1])) return;
    if (!slots->usable[0] && !slots->usable[1])
        wal_account_none(account, WAL_ACKNOWLEDGEMENT_FILE, WAL_ACK_NAME, 0, slots->file_size);
    else
        wal_account_none(account, WAL_ACKNOWLEDGEMENT_SLOT, WAL_ACK_NAME,
                         slots->usable[0] ? WAL_COPY_OFFSET : 0, WAL_HEADER_BYTES);
}

/* What the slots know and the files do not (ACK-3.1), and then the next number. */
static void finish_numbers(struct wal_log *log, struct wal_account *account,
                           const struct wal_survey *survey, uint64_t watermark) {
    uint64_t floor = log->slots.last.next_sequence, found = account->highest;
    wal_account_finish(account, survey->newest == SIZE_MAX);
    if (survey->newest != SIZE_MAX && floor > account->expected) {
        const struct wal_segment *newest = &survey->segments[survey->newest];
        char name[WAL_NAME_BYTES];
        wal_segment_name(newest->header.file_number, name);
        wal_account_numbers(account, WAL_MISSING_END, WAL_POSSIBLY_LOST, name, newest->size, 0,
                            account->expected, floor, false);
    }
    log->next_sequence = wal_larger(wal_larger(account->highest, floor), watermark + 1);
    log->burned_open |= log->next_sequence != found; /* the files alone would have handed them out */
}

/* REC-7.2 */
static bool was_clean(const struct wal_log *log, const struct wal_survey *survey) {
    const struct wal_slots *slots = &log->slots;
    if (survey->newest == SIZE_MAX) return true;
    const struct wal_segment *newest = &survey->segments[survey->newest];
    return slots->usable[0] && slots->usable[1] && !log->burned_open &&
           slots->last.clean_file == newest->header.file_number &&
           slots->last.clean_length == newest->size &&
           slots->last.next_sequence == log->next_sequence;
}

static void remove_leftovers(struct wal_log *log, const struct wal_survey *survey) {
    bool is_removed = false;
    for (size_t i = 0; i < survey->leftover_count; i++) {
        if (disk_unlink(log->directory, survey->leftovers[i]) != 0) continue;
        wal_names_add(&log->report.removed, survey->leftovers[i]);
        is_removed = true;
    }
    /* A leftover that comes back after a power cut is found again; this sync only keeps what the
     * report says true. A name that is in the way is not used (WAL-3.1). */
    if (is_removed) (void)disk_sync_directory(log->directory);
}

/* Makes a file that can be appended to, or says why there is none (REC-9.3). */
static void make_appendable(struct wal_log *log, bool is_clean) {
    struct wal_segment *newest = log->segment_count > 0 ? &log->segments[log->segment_count - 1] : NULL;
    int failed = 0;
    if (newest == NULL) {
        failed = disk_random(&log->source, log->log_id, WAL_LOG_ID_BYTES);
        if (failed == 0) failed = wal_rotate(log);
        if (failed == 0) (void)wal_slots_write(log, WAL_BLOCK_BYTES);
    } else if (is_clean) {
        char name[WAL_NAME_BYTES];
        wal_segment_name(newest->header.file_number, name);
        failed = disk_open(log->directory, name, &log->active);
        log->is_marked = failed == 0;
    } else {
        failed = wal_relocate(log);
    }
    if (failed == 0) return;
    log->is_degraded = true;
    snprintf(log->report.degraded, sizeof log->report.degraded, "no file can be appended to: %s",
             strerror(failed));
    /* Watermark and floor go where no space is needed, also if they say so already: what was read
     * may be in the page cache alone, and then these numbers could be handed out again. */
    if (newest != NULL) (void)wal_slots_write(log, 0);
}

static void finish_report(struct wal_log *log, const struct wal_survey *survey, bool is_clean) {
    struct wal_report *report = &log->report;
    memcpy(report->log_id, log->log_id, WAL_LOG_ID_BYTES);
    memcpy(report->previous_log_id, log->previous_log_id, WAL_LOG_ID_BYTES);
    report->has_previous_log_id = false;
    for (size_t i = 0; i < WAL_LOG_ID_BYTES; i++)
        report->has_previous_log_id |= log->previous_log_id[i] != 0;
    report->clean_shutdown = is_clean;
    report->acknowledged_through = wal_watermark(log);
    report->next_sequence = log->next_sequence;
    for (size_t i = 0; i < survey->count; i++)
        report->segments += survey->segments[i].state == WAL_SEGMENT_OURS;
    wal_names_sort(&report->ignored);
    wal_names_sort(&report->removed);
    wal_names_sort(&report->quarantined);
}

static bool count_entry(void *context, const struct wal_entry *entry) {
    (void)entry;
    ++*(uint64_t *)context;
    return true;
}

static enum wal_code recover(struct wal_log *log, struct wal_survey *survey, char *why,
                             size_t why_bytes) {
    struct wal_account account = {.log = log, .expected = 1, .highest = 1};
    uint64_t watermark = settled_through(log, survey);
    wal_intervals_add(&account.known, 0, watermark + 1);
    report_slots(&account);
    /* Everything is read first, so that a refusal has changed nothing (REC-1.2). */
    enum wal_code code = wal_walk(log, survey, &account, watermark, why, why_bytes);
    if (code == WAL_OK) {
        finish_numbers(log, &account, survey, watermark);
        bool is_clean = was_clean(log, survey);
        for (size_t i = 0; i < survey->count; i++) {
            const struct wal_segment *s = &survey->segments[i];
            if (s->state != WAL_SEGMENT_FOREIGN) log->used_bytes += s->size;
            if (s->state == WAL_SEGMENT_OURS) wal_segments_add(log, s);
        }
        log->expected = account.expected;
        wal_quarantine(log, &account, &survey->list);
        remove_leftovers(log, survey);
        make_appendable(log, is_clean);
        /* An unreadable file is what tells that its numbers are burned. It is moved only when the new
         * header, or the floor in the slots, says so durably (REC-9.2). */
        for (size_t i = 0; i < survey->count; i++) {
            const struct wal_segment *s = &survey->segments[i];
            if (s->state == WAL_SEGMENT_OURS) continue;
            if (!log->is_degraded || log->floor_is_durable) wal_set_aside(log, s);
            if (s->state == WAL_SEGMENT_UNREADABLE) log->used_bytes -= s->size;
        }
        if (wal_hidden_from(log) != UINT64_MAX) {
            log->report.entries = 0;
            (void)wal_replay(log, 0, count_entry, &log->report.entries);
        }
        finish_report(log, survey, is_clean);
    }
    wal_account_free(&account);
    return code;
}

enum wal_code wal_open(const char *directory, const struct wal_config *config, struct wal_log **opened,
                       char *why, size_t why_bytes) {
    *opened = NULL;
    if (!wal_config_is_valid(config)) {
        snprintf(why, why_bytes, "a setting is out of its bounds");
        return WAL_INVALID_CONFIG;
    }
    struct wal_log *log = wal_allocate(NULL, 1, sizeof *log);
    memset(log, 0, sizeof *log);
    log->config = *config;
    log->source = disk_source_of(config->is_fixed, config->fixed);
    log->directory = log->lock = log->active = log->slots.fd = -1;
    log->expected = log->next_sequence = 1;
    log->written_ns = disk_monotonic_ns(&log->source);
    struct wal_survey survey = {0};
    enum wal_code code = disk_open_directory(directory, &log->directory, why, why_bytes);
    if (code == WAL_OK) code = disk_lock(log->directory, &log->lock, why, why_bytes);
    if (code == WAL_OK) code = wal_survey_take(log, &survey, why, why_bytes);
    if (code == WAL_OK) code = recover(log, &survey, why, why_bytes);
    wal_survey_free(&survey);
    if (code == WAL_OK)
        *opened = log;
    else
        wal_abandon(log);
    return code;
}
