/* A set of sequence numbers as sorted stretches [first, end): what is unsettled, what is accounted
 * for. It grows with the number of holes, not with the number of members (WAL-6.1). */
#ifndef WAL_INTERVALS_H
#define WAL_INTERVALS_H

#include "wal.h"

struct wal_interval {
    uint64_t first, end;
};
struct wal_intervals {
    struct wal_interval *items;
    size_t count, room;
};

void wal_intervals_add(struct wal_intervals *set, uint64_t first, uint64_t end);
/* How many members that took out. */
uint64_t wal_intervals_remove(struct wal_intervals *set, uint64_t first, uint64_t end);
bool wal_intervals_have(const struct wal_intervals *set, uint64_t number);
/* The lowest member of [first, end), or `end`. */
uint64_t wal_intervals_next(const struct wal_intervals *set, uint64_t first, uint64_t end);
/* The first stretch of [*first, end) that is not in the set: false if there is none. For a loop,
 * go on with *first = its end. */
bool wal_intervals_gap(const struct wal_intervals *set, uint64_t *first, uint64_t end,
                       uint64_t *gap_end);
void wal_intervals_free(struct wal_intervals *set);

#endif
