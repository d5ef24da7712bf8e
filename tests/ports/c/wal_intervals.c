/* Sets of numbers: binary search, and one shift of the array for a change in the middle. */
#include "wal_intervals.h"

#include <stdlib.h>

#include "wal_disk.h"

/* The index of the first stretch that ends above `number`. */
static size_t find(const struct wal_intervals *set, uint64_t number) {
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->items[middle].end > number)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Puts `count` stretches in the place of those in [from, to). */
static void replace(struct wal_intervals *set, size_t from, size_t to,
                    const struct wal_interval *with, size_t count) {
    size_t behind = set->count - to, size = from + count + behind;
    if (size > set->room) {
        set->room = size * 2;
        set->items = wal_allocate(set->items, set->room, sizeof *set->items);
    }
    if (behind > 0)
        memmove(set->items + from + count, set->items + to, behind * sizeof *set->items);
    if (count > 0) memcpy(set->items + from, with, count * sizeof *with);
    set->count = size;
}

void wal_intervals_add(struct wal_intervals *set, uint64_t first, uint64_t end) {
    if (first >= end) return;
    size_t from = find(set, first), to;
    if (from > 0 && set->items[from - 1].end == first) from--;
    for (to = from; to < set->count && set->items[to].first <= end; to++) {
        if (set->items[to].first < first) first = set->items[to].first;
        if (set->items[to].end > end) end = set->items[to].end;
    }
    replace(set, from, to, &(struct wal_interval){first, end}, 1);
}

uint64_t wal_intervals_remove(struct wal_intervals *set, uint64_t first, uint64_t end) {
    struct wal_interval rest[2];
    size_t from = find(set, first), to, left = 0;
    uint64_t removed = 0;
    for (to = from; to < set->count && set->items[to].first < end; to++) {
        struct wal_interval item = set->items[to];
        uint64_t low = item.first > first ? item.first : first;
        uint64_t high = item.end < end ? item.end : end;
        if (item.first < low) rest[left++] = (struct wal_interval){item.first, low};
        if (item.end > high) rest[left++] = (struct wal_interval){high, item.end};
        removed += high - low;
    }
    if (removed > 0) replace(set, from, to, rest, left);
    return removed;
}

bool wal_intervals_have(const struct wal_intervals *set, uint64_t number) {
    size_t i = find(set, number);
    return i < set->count && set->items[i].first <= number;
}

uint64_t wal_intervals_next(const struct wal_intervals *set, uint64_t first, uint64_t end) {
    size_t i = find(set, first);
    if (i == set->count || set->items[i].first >= end) return end;
    return set->items[i].first > first ? set->items[i].first : first;
}

bool wal_intervals_gap(const struct wal_intervals *set, uint64_t *first, uint64_t end,
                       uint64_t *gap_end) {
    size_t i = find(set, *first);
    if (i < set->count && set->items[i].first <= *first) *first = set->items[i++].end;
    if (*first >= end) return false;
    *gap_end = i < set->count && set->items[i].first < end ? set->items[i].first : end;
    return true;
}

void wal_intervals_free(struct wal_intervals *set) {
    free(set->items);
    *set = (struct wal_intervals){NULL, 0, 0};
}
