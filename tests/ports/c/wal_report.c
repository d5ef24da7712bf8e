/* The report of an open (REP-1.3): bounded lists, exact sums. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "wal_log.h"

void wal_names_add(struct wal_names *names, const char *name) {
    if ((names->count & (names->count + 1)) == 0) /* room for a power of two, less one */
        names->items = wal_allocate(names->items, names->count * 2 + 1, sizeof *names->items);
    names->items[names->count++] = wal_copy_text(name);
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void wal_names_sort(struct wal_names *names) {
    size_t kept = 0;
    if (names->count > 0) qsort(names->items, names->count, sizeof *names->items, by_text);
    for (size_t i = 0; i < names->count; i++) {
        if (kept > 0 && strcmp(names->items[kept - 1], names->items[i]) == 0)
            free(names->items[i]);
        else
            names->items[kept++] = names->items[i];
    }
    names->count = kept;
}

void wal_report_add(struct wal_report *report, const struct wal_damage *damage) {
    static const char *const words[] = {", number ", ", lost ", ", possibly lost ", ", dead letter "};
    if (damage->fate == WAL_LOST) report->lost += damage->sequence_count;
    if (damage->fate == WAL_POSSIBLY_LOST) report->possibly_lost += damage->sequence_count;
    if (damage->fate == WAL_DEAD_LETTERED) report->dead_lettered += damage->sequence_count;
    /* REP-1.1: a warning for each, also for those beyond the list. */
    fprintf(stderr, "wal: %s: %s at %" PRIu64 ", %" PRIu64 " bytes", damage->file,
            wal_damage_kind_name(damage->kind), damage->offset, damage->length);
    if (damage->first_sequence != 0)
        fprintf(stderr, "%s%" PRIu64 "+%" PRIu64, words[damage->fate], damage->first_sequence,
                damage->sequence_count);
    fputc('\n', stderr);
    if (report->damages_listed == WAL_DAMAGES_LISTED_MAX) {
        report->damages_not_listed++;
        return;
    }
    if (report->damages == NULL)
        report->damages = wal_allocate(NULL, WAL_DAMAGES_LISTED_MAX, sizeof *report->damages);
    report->damages[report->damages_listed++] = *damage;
}

static void names_free(struct wal_names *names) {
    for (size_t i = 0; i < names->count; i++) free(names->items[i]);
    free(names->items);
}

void wal_report_free(struct wal_report *report) {
    names_free(&report->ignored);
    names_free(&report->removed);
    names_free(&report->quarantined);
    free(report->damages);
}
