/* The names of section 11, and the configuration's bounds of section 7. */
#include "wal.h"

static const struct {
    const char *name;
    bool definite;
} codes[] = {
    [WAL_OK] = {"", true},
    [WAL_EVENT_TOO_LARGE] = {"EventTooLarge", true},
    [WAL_END_OF_BYTES] = {"EndOfBytes", true},
    [WAL_LENGTH_OUT_OF_RANGE] = {"LengthOutOfRange", true},
    [WAL_INVALID_TAG] = {"InvalidTag", true},
    [WAL_INVALID_TEXT] = {"InvalidText", true},
    [WAL_NUMBER_OUT_OF_RANGE] = {"NumberOutOfRange", true},
    [WAL_TRAILING_BYTES] = {"TrailingBytes", true},
    [WAL_CLOSED] = {"WalClosed", true},
    [WAL_LOG_FAILED] = {"LogFailed", true},
    [WAL_QUOTA_EXCEEDED] = {"QuotaExceeded", true},
    [WAL_DISK_REJECTED] = {"DiskRejected", true},
    [WAL_NO_SEGMENT] = {"NoSegment", true},
    [WAL_APPEND_INDEFINITE] = {"AppendIndefinite", false},
    [WAL_SYNC_FAILED] = {"SyncFailed", false},
    [WAL_ACKNOWLEDGED_BEYOND_LOG] = {"AcknowledgedBeyondLog", true},
    [WAL_NOT_IN_LOG] = {"NotInLog", true},
    [WAL_DEAD_LETTER_FAILED] = {"DeadLetterFailed", true},
    [WAL_READ_FAILED] = {"ReadFailed", true},
    [WAL_ENTRIES_NOT_DURABLE] = {"EntriesNotDurable", true},
    [WAL_LOCKED] = {"Locked", true},
    [WAL_UNSAFE_DIRECTORY] = {"UnsafeDirectory", true},
    [WAL_UNSUPPORTED_VERSION] = {"UnsupportedVersion", true},
    [WAL_DISK_UNREADABLE] = {"DiskUnreadable", true},
    [WAL_INVALID_CONFIG] = {"BadRequest", true},
};

const char *wal_code_name(enum wal_code code) { return codes[code].name; }
bool wal_code_is_definite(enum wal_code code) { return codes[code].definite; }

const char *wal_fate_name(enum wal_fate fate) {
    static const char *const names[] = {"none", "lost", "possibly-lost", "dead-lettered"};
    return names[fate];
}

const char *wal_damage_kind_name(enum wal_damage_kind kind) {
    static const char *const names[] = {
        "header-copy",       "damaged-body",         "damaged-region",      "missing-numbers",
        "stale-frame",       "gap-between-files",    "tail",                "unreadable-file",
        "foreign-file",      "undecodable-entry",    "missing-end",         "acknowledgement-slot",
        "acknowledgement-file"};
    return names[kind];
}

struct wal_config wal_config_default(void) {
    return (struct wal_config){
        .rotation_bytes = UINT64_C(80) << 20,
        .file_bytes_max = UINT64_C(100) << 20,
        .batch_bytes_max = UINT64_C(4) << 20,
        .event_bytes_max = WAL_EVENT_BYTES_MAX,
        .quota_bytes = UINT64_C(1000) << 20,
        .quarantine_bytes_max = UINT64_C(64) << 20,
        .quarantine_files_max = 64,
        .acknowledge_interval_ns = UINT64_C(1000000000),
        .acknowledge_count_max = 1000,
    };
}

static bool within(uint64_t value, uint64_t from, uint64_t to) { return from <= value && value <= to; }

bool wal_config_is_valid(const struct wal_config *c) {
    return within(c->rotation_bytes, 8193, c->file_bytes_max) &&
           within(c->file_bytes_max, 8193, UINT64_C(1) << 40) &&
           within(c->batch_bytes_max, 1, UINT64_C(1) << 30) &&
           within(c->event_bytes_max, 47, WAL_EVENT_BYTES_MAX) &&
           within(c->quota_bytes, 16384, UINT64_C(1) << 50) &&
           within(c->quarantine_bytes_max, 0, c->quota_bytes) &&
           within(c->quarantine_files_max, 0, 10000) &&
           within(c->acknowledge_interval_ns, 0, UINT64_C(3600000000000)) &&
           within(c->acknowledge_count_max, 1, 1000000000);
}
