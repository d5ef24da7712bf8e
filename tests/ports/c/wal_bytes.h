/* Numbers in little-endian bytes, and a reader of them that cannot leave its input.
 *
 * The first error of a wal_cursor stays: later reads give zero and change nothing, so a decoder is
 * written straight down and asks once, at its end.
 */
#ifndef WAL_BYTES_H
#define WAL_BYTES_H

#include <string.h>

#include "wal.h"

static inline uint16_t wal_get16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }
static inline uint32_t wal_get32(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static inline uint64_t wal_get64(const uint8_t *p) {
    return (uint64_t)wal_get32(p) | (uint64_t)wal_get32(p + 4) << 32;
}
static inline void wal_put16(uint8_t *p, uint16_t value) {
    p[0] = (uint8_t)value;
    p[1] = (uint8_t)(value >> 8);
}
static inline void wal_put32(uint8_t *p, uint32_t value) {
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(value >> 8 * i);
}
static inline void wal_put64(uint8_t *p, uint64_t value) {
    for (int i = 0; i < 8; i++) p[i] = (uint8_t)(value >> 8 * i);
}

struct wal_cursor {
    const uint8_t *bytes;
    size_t at, end;
    enum wal_code code;
    size_t code_offset;
};

static inline void wal_cursor_fail(struct wal_cursor *c, enum wal_code code, size_t offset) {
    if (c->code != WAL_OK) return;
    c->code = code;
    c->code_offset = offset;
}

/* The next `count` bytes, or null with an error. */
static inline const uint8_t *wal_cursor_take(struct wal_cursor *c, size_t count) {
    if (c->code != WAL_OK) return NULL;
    if (count > c->end - c->at) {
        wal_cursor_fail(c, WAL_END_OF_BYTES, c->end);
        return NULL;
    }
    const uint8_t *taken = c->bytes + c->at;
    c->at += count;
    return taken;
}

static inline uint32_t wal_cursor_u32(struct wal_cursor *c) {
    const uint8_t *p = wal_cursor_take(c, 4);
    return p != NULL ? wal_get32(p) : 0;
}
static inline uint64_t wal_cursor_u64(struct wal_cursor *c) {
    const uint8_t *p = wal_cursor_take(c, 8);
    return p != NULL ? wal_get64(p) : 0;
}

#endif
