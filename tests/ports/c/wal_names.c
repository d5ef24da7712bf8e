/* Which names are the log's own (FMT-3.1, FMT-3.2). */
#include <inttypes.h>
#include <stdio.h>

#include "wal_format.h"

void wal_segment_name(uint64_t number, char name[WAL_NAME_BYTES]) {
    snprintf(name, WAL_NAME_BYTES, "procmond-%05" PRIu64 ".wal", number);
}

/* A decimal number without superfluous zeros; null if there is none, else what follows it. */
static const char *read_decimal(const char *text, uint64_t *value) {
    const char *p = text;
    for (*value = 0; *p >= '0' && *p <= '9'; p++) {
        if (*value > (UINT64_MAX - 9) / 10) return NULL;
        *value = *value * 10 + (uint64_t)(*p - '0');
    }
    bool canonical = p > text && (*text != '0' || p == text + 1);
    return canonical ? p : NULL;
}

/* What stands behind the name of a segment in `name`, or null if it does not begin with one. */
static const char *behind_segment(const char *name, uint32_t *number) {
    static const char prefix[] = "procmond-";
    if (strncmp(name, prefix, sizeof prefix - 1) != 0) return NULL;
    uint64_t value = 0;
    const char *p = name + sizeof prefix - 1;
    for (; *p >= '0' && *p <= '9' && value <= UINT32_MAX; p++) value = value * 10 + (uint64_t)(*p - '0');
    if (value < 1 || value > UINT32_MAX) return NULL;
    char canonical[WAL_NAME_BYTES];
    wal_segment_name(value, canonical);
    size_t length = strlen(canonical);
    if (strncmp(name, canonical, length) != 0) return NULL;
    *number = (uint32_t)value;
    return name + length;
}

static bool is_set_aside(const char *suffix) { /* .unreadable or .foreign, then nothing or .N */
    static const char *const words[] = {".unreadable", ".foreign"};
    for (size_t i = 0; i < 2; i++) {
        size_t length = strlen(words[i]);
        if (strncmp(suffix, words[i], length) != 0) continue;
        if (suffix[length] == '\0') return true;
        uint64_t copy;
        const char *end = suffix[length] == '.' ? read_decimal(suffix + length + 1, &copy) : NULL;
        return end != NULL && *end == '\0' && copy >= 2;
    }
    return false;
}

static bool is_quarantine(const char *suffix) { /* @OFFSET+LENGTH-CRC.quarantine */
    uint64_t offset, length;
    const char *p = *suffix == '@' ? read_decimal(suffix + 1, &offset) : NULL;
    p = p != NULL && *p == '+' ? read_decimal(p + 1, &length) : NULL;
    if (p == NULL || *p != '-') return false;
    return strspn(p + 1, "0123456789abcdef") == 8 && strcmp(p + 9, ".quarantine") == 0;
}

enum wal_name_kind wal_name_kind_of(const char *name, uint32_t *number) {
    static const char *const fixed[] = {WAL_ACK_NAME, WAL_ACK_NEW_NAME, WAL_LOCK_NAME, WAL_DEAD_NAME};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (strcmp(name, fixed[i]) == 0) return WAL_NAME_FIXED;
    const char *suffix = behind_segment(name, number);
    if (suffix == NULL) return WAL_NAME_OTHER;
    if (*suffix == '\0') return WAL_NAME_SEGMENT;
    if (strcmp(suffix, ".new") == 0) return WAL_NAME_SEGMENT_NEW;
    if (strcmp(suffix, ".salvaged") == 0) return WAL_NAME_SALVAGED;
    if (is_set_aside(suffix)) return WAL_NAME_SET_ASIDE;
    return is_quarantine(suffix) ? WAL_NAME_QUARANTINE : WAL_NAME_OTHER;
}
