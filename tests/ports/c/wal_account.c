/* Which numbers are explained, and by what (REC-4.1, REC-6.1, section 10).
 *
 * Every number that was handed out is in the end acknowledged, found, declared, or reported. `known`
 * has all of these, so that each is reported once, and only if it is news.
 */
#include <stdio.h>
#include <stdlib.h>

#include "wal_log.h"

enum { KEPT_MAX = 20000 }; /* more stretches than may ever be copied aside are only counted */

static void report(struct wal_account *account, enum wal_damage_kind kind, enum wal_fate fate,
                   const char *file, uint64_t offset, uint64_t length, uint64_t first,
                   uint64_t count) {
    struct wal_damage damage = {kind, fate, "", offset, length, first, count};
    snprintf(damage.file, sizeof damage.file, "%s", file);
    wal_report_add(&account->log->report, &damage);
}

void wal_account_none(struct wal_account *account, enum wal_damage_kind kind, const char *file,
                      uint64_t offset, uint64_t length) {
    report(account, kind, WAL_FATE_NONE, file, offset, length, 0, 0);
}

bool wal_account_numbers(struct wal_account *account, enum wal_damage_kind kind, enum wal_fate fate,
                         const char *file, uint64_t offset, uint64_t length, uint64_t first,
                         uint64_t end, bool or_none) {
    bool is_reported = false;
    uint64_t gap_end;
    while (first < end && wal_intervals_gap(&account->known, &first, end, &gap_end)) {
        report(account, kind, fate, file, offset, length, first, gap_end - first);
        wal_intervals_add(&account->known, first, gap_end);
        is_reported = true;
        first = gap_end;
    }
    if (!is_reported && or_none) wal_account_none(account, kind, file, offset, length);
    return is_reported || or_none;
}

void wal_account_keep(struct wal_account *account, const struct wal_segment *segment,
                      uint64_t offset, uint64_t length) {
    if (account->kept_count == KEPT_MAX) {
        account->log->report.not_kept++;
        return;
    }
    if (account->kept_count == account->kept_room) {
        account->kept_room = account->kept_room * 2 + 8;
        account->kept = wal_allocate(account->kept, account->kept_room, sizeof *account->kept);
    }
    account->kept[account->kept_count++] =
        (struct wal_stretch){.segment = segment, .offset = offset, .length = length};
}

/* ---- stretches without an explanation ---- */

uint64_t wal_account_open_from(const struct wal_account *account) {
    uint64_t from = account->expected;
    for (size_t i = 0; i < account->open_count; i++) from = wal_larger(from, account->open[i].end);
    return from;
}

void wal_account_open(struct wal_account *account, struct wal_stretch stretch) {
    stretch.end = wal_larger(stretch.numbers[0].end, stretch.numbers[1].end);
    for (int i = 0; i < 2; i++) {
        struct wal_interval *n = &stretch.numbers[i];
        uint64_t gap_end;
        n->first = wal_larger(n->first, account->expected); /* what is below was found or reported */
        for (size_t k = 0; k < account->open_count; k++) /* what two may have held is the first's */
            for (int m = 0; m < 2; m++) {
                const struct wal_interval *other = &account->open[k].numbers[m];
                if (other->first <= n->first && n->first < other->end) n->first = other->end;
            }
        if (n->first >= n->end || !wal_intervals_gap(&account->known, &n->first, n->end, &gap_end))
            n->first = n->end = 0;
    }
    struct wal_interval *low = &stretch.numbers[0], *high = &stretch.numbers[1];
    if (low->end != 0 && low->end == high->first) { /* they touch: one report */
        low->end = high->end;
        high->first = high->end = 0;
    }
    if (account->open_count == account->open_room) {
        account->open_room = account->open_room * 2 + 4;
        account->open = wal_allocate(account->open, account->open_room, sizeof *account->open);
    }
    account->open[account->open_count++] = stretch;
}

static void name_of(const struct wal_stretch *s, char name[WAL_NAME_BYTES]) {
    wal_segment_name(s->segment->header.file_number, name);
}

/* It is settled without loss: a tail is no news then. */
static void settle(struct wal_account *account, const struct wal_stretch *s) {
    char name[WAL_NAME_BYTES];
    name_of(s, name);
    if (!s->is_tail) wal_account_none(account, WAL_UNREADABLE_FILE, name, s->offset, s->length);
}

/* The numbers below `relocated_from` are gone; the first open stretch is where they were. */
static void lose_gap(struct wal_account *account, const struct wal_segment *segment) {
    uint64_t first = account->expected, end = segment->header.relocated_from;
    char name[WAL_NAME_BYTES];
    wal_segment_name(segment->header.file_number, name);
    if (account->open_count == 0) {
        wal_account_numbers(account, WAL_GAP_BETWEEN_FILES, WAL_LOST, name, 0, 0, first, end, false);
        return;
    }
    const struct wal_stretch *s = &account->open[0];
    name_of(s, name);
    bool is_reported = wal_account_numbers(
        account, s->is_tail ? WAL_GAP_BETWEEN_FILES : WAL_UNREADABLE_FILE, WAL_LOST, name, s->offset,
        s->length, first, end, !s->is_tail);
    if (is_reported && s->is_tail) wal_account_keep(account, s->segment, s->offset, s->length);
    for (size_t i = 1; i < account->open_count; i++) settle(account, &account->open[i]);
    account->open_count = 0;
}

void wal_account_header(struct wal_account *account, const struct wal_segment *segment) {
    const struct wal_header *h = &segment->header;
    size_t left = 0;
    if (h->relocated_from > account->expected) lose_gap(account, segment);
    for (size_t i = 0; i < account->open_count; i++) {
        struct wal_stretch s = account->open[i];
        if (h->relocated_from < h->continues_from || segment->has_fresh || s.end <= h->first_sequence) {
            settle(account, &s);
            continue;
        }
        for (int k = 0; k < 2; k++) /* some are declared: these are no news */
            s.numbers[k].first = wal_larger(s.numbers[k].first, h->first_sequence);
        account->open[left++] = s;
    }
    account->open_count = left;
    wal_intervals_add(&account->known, h->continues_from, h->first_sequence);
    account->expected = wal_larger(account->expected, h->relocated_from < h->continues_from
                                                          ? h->relocated_from
                                                          : h->first_sequence);
    account->highest = wal_larger(account->highest, h->first_sequence);
}

void wal_account_finish(struct wal_account *account, bool is_new_log) {
    for (size_t i = 0; i < account->open_count; i++) {
        const struct wal_stretch *s = &account->open[i];
        enum wal_damage_kind kind = s->is_tail ? WAL_TAIL : WAL_UNREADABLE_FILE;
        char name[WAL_NAME_BYTES];
        bool is_reported = false;
        name_of(s, name);
        for (int k = 0; k < 2; k++)
            is_reported |= wal_account_numbers(account, kind, WAL_POSSIBLY_LOST, name, s->offset,
                                               s->length, s->numbers[k].first, s->numbers[k].end,
                                               k == 1 && !is_reported);
        if (s->is_tail) wal_account_keep(account, s->segment, s->offset, s->length);
        if (!is_new_log) account->highest = wal_larger(account->highest, s->end);
    }
    account->log->burned_open = account->open_count > 0 && !is_new_log;
    account->open_count = 0;
}

void wal_account_free(struct wal_account *account) {
    wal_intervals_free(&account->known);
    free(account->open);
    free(account->kept);
}
