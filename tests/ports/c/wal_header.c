/* The header of a segment (FMT-4.x) and the slot of the acknowledgement file (ACK-1.1).
 *
 * The order of checks is the same for both: length, CRC, magic, version and flags, fields. Only what
 * verifies can be of an unsupported version; anything else is damage.
 */
#include "wal_format.h"

static const uint8_t segment_magic[8] = {0x89, 'P', 'M', 'W', 0x0D, 0x0A, 0x1A, 0x0A};
static const uint8_t slot_magic[8] = {0x89, 'P', 'M', 'A', 0x0D, 0x0A, 0x1A, 0x0A};

static bool is_zero(const uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (bytes[i] != 0) return false;
    return true;
}

static enum wal_verdict check_frame(const uint8_t *bytes, size_t length, const uint8_t *magic) {
    if (length < WAL_HEADER_BYTES) return WAL_VERDICT_SHORT;
    if (wal_crc32(0, bytes, 124) != wal_get32(bytes + 124)) return WAL_VERDICT_CRC;
    if (memcmp(bytes, magic, 8) != 0) return WAL_VERDICT_MAGIC;
    if (wal_get16(bytes + 8) != 1 || wal_get32(bytes + 12) != 0) return WAL_VERDICT_UNSUPPORTED;
    return WAL_VERDICT_GOOD;
}

static void begin(uint8_t *bytes, const uint8_t *magic) {
    memset(bytes, 0, WAL_HEADER_BYTES);
    memcpy(bytes, magic, 8);
    wal_put16(bytes + 8, 1);
}

enum wal_verdict wal_header_decode(const uint8_t *bytes, size_t length, struct wal_header *h) {
    enum wal_verdict verdict = check_frame(bytes, length, segment_magic);
    if (verdict != WAL_VERDICT_GOOD) return verdict;
    h->file_number = wal_get32(bytes + 16);
    memcpy(h->log_id, bytes + 20, WAL_LOG_ID_BYTES);
    memcpy(h->previous_log_id, bytes + 36, WAL_LOG_ID_BYTES);
    memcpy(h->salt, bytes + 52, 8);
    h->relocated_from = wal_get64(bytes + 60);
    h->continues_from = wal_get64(bytes + 68);
    h->first_sequence = wal_get64(bytes + 76);
    bool good = h->file_number >= 1 && h->file_number <= WAL_FILE_NUMBER_MAX &&
                !is_zero(h->log_id, WAL_LOG_ID_BYTES) && h->relocated_from >= 1 &&
                h->relocated_from <= h->continues_from && h->continues_from <= h->first_sequence &&
                h->first_sequence <= WAL_SEQUENCE_MAX;
    return good ? WAL_VERDICT_GOOD : WAL_VERDICT_FIELDS;
}

void wal_header_encode(const struct wal_header *h, uint8_t block[WAL_BLOCK_BYTES]) {
    memset(block, 0, WAL_BLOCK_BYTES);
    begin(block, segment_magic);
    wal_put32(block + 16, h->file_number);
    memcpy(block + 20, h->log_id, WAL_LOG_ID_BYTES);
    memcpy(block + 36, h->previous_log_id, WAL_LOG_ID_BYTES);
    memcpy(block + 52, h->salt, 8);
    wal_put64(block + 60, h->relocated_from);
    wal_put64(block + 68, h->continues_from);
    wal_put64(block + 76, h->first_sequence);
    wal_put32(block + 124, wal_crc32(0, block, 124));
    memcpy(block + WAL_COPY_OFFSET, block, WAL_HEADER_BYTES);
}

enum wal_verdict wal_slot_decode(const uint8_t *bytes, size_t length, struct wal_slot *slot) {
    enum wal_verdict verdict = check_frame(bytes, length, slot_magic);
    if (verdict != WAL_VERDICT_GOOD) return verdict;
    slot->generation = wal_get64(bytes + 16);
    memcpy(slot->log_id, bytes + 24, WAL_LOG_ID_BYTES);
    slot->acknowledged_through = wal_get64(bytes + 40);
    slot->next_sequence = wal_get64(bytes + 48);
    slot->clean_file = wal_get32(bytes + 56);
    slot->clean_length = wal_get64(bytes + 60);
    bool good = slot->generation <= WAL_SEQUENCE_MAX &&
                slot->acknowledged_through < slot->next_sequence &&
                slot->next_sequence <= WAL_SEQUENCE_MAX + 1;
    return good ? WAL_VERDICT_GOOD : WAL_VERDICT_FIELDS;
}

void wal_slot_encode(const struct wal_slot *slot, uint8_t bytes[WAL_HEADER_BYTES]) {
    begin(bytes, slot_magic);
    wal_put64(bytes + 16, slot->generation);
    memcpy(bytes + 24, slot->log_id, WAL_LOG_ID_BYTES);
    wal_put64(bytes + 40, slot->acknowledged_through);
    wal_put64(bytes + 48, slot->next_sequence);
    wal_put32(bytes + 56, slot->clean_file);
    wal_put64(bytes + 60, slot->clean_length);
    wal_put32(bytes + 124, wal_crc32(0, bytes, 124));
}
