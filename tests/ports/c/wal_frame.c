/* Frames (FMT-5.x): both CRCs are tied to salt, file number and offset, so bytes that moved, or were
 * planted by who does not know the salt, never verify. */
#include "wal_format.h"

struct wal_frame_key wal_frame_key_of(const uint8_t salt[8], uint32_t file_number) {
    struct wal_frame_key key;
    uint8_t number[4];
    memcpy(key.sync_word, salt, 4);
    if (wal_get32(salt) == 0) memset(key.sync_word, 0xFF, 4); /* zeros are never a frame */
    wal_put32(number, file_number);
    key.crc = wal_crc32(wal_crc32(0, salt, 8), number, 4);
    return key;
}

static uint32_t header_crc(const struct wal_frame_key *key, uint64_t offset, const uint8_t *bytes) {
    uint8_t place[8];
    wal_put64(place, offset);
    return wal_crc32(wal_crc32(key->crc, place, 8), bytes, 16);
}

bool wal_frame_header_verify(const struct wal_frame_key *key, uint64_t offset, const uint8_t *bytes,
                             struct wal_frame_header *header) {
    if (memcmp(bytes, key->sync_word, 4) != 0) return false;
    header->body_bytes = wal_get32(bytes + 4);
    header->sequence = wal_get64(bytes + 8);
    header->crc = wal_get32(bytes + 16);
    return header->body_bytes >= WAL_BODY_BYTES_MIN && header->body_bytes <= WAL_BODY_BYTES_MAX &&
           header->sequence >= 1 && header->sequence <= WAL_SEQUENCE_MAX &&
           header->crc == header_crc(key, offset, bytes);
}

bool wal_frame_body_verify(const struct wal_frame_header *header, const uint8_t *body) {
    size_t covered = header->body_bytes - 4;
    return wal_crc32(header->crc, body, covered) == wal_get32(body + covered);
}

void wal_frame_encode(const struct wal_frame_key *key, uint64_t offset, uint64_t sequence,
                      const uint8_t *payload, size_t payload_bytes, uint8_t *into) {
    uint8_t *body = into + WAL_FRAME_HEADER_BYTES;
    memcpy(into, key->sync_word, 4);
    wal_put32(into + 4, (uint32_t)(8 + payload_bytes + 4));
    wal_put64(into + 8, sequence);
    uint32_t crc = header_crc(key, offset, into);
    wal_put32(into + 16, crc);
    wal_put64(body, sequence);
    if (payload != body + 8) memcpy(body + 8, payload, payload_bytes);
    /* The header's CRC continued over the body, not over the CRC itself: that would forget it. */
    wal_put32(body + 8 + payload_bytes, wal_crc32(crc, body, 8 + payload_bytes));
}

enum wal_code wal_entry_decode(const struct wal_frame_header *header, const uint8_t *body,
                               struct wal_entry *entry, struct wal_event *event, size_t *offset) {
    size_t end = header->body_bytes - 4;
    /* The decoder runs over the whole body: an event that reaches into the last four bytes is then
     * told from one that is cut, as section 5 has it. */
    struct wal_cursor c = {body, 0, header->body_bytes, WAL_OK, 0};
    entry->sequence = wal_cursor_u64(&c);
    if (entry->sequence != header->sequence) wal_cursor_fail(&c, WAL_NUMBER_OUT_OF_RANGE, 0);
    entry->timestamp = wal_timestamp_read(&c);
    size_t start = c.at;
    wal_event_read(&c, event);
    if (c.code == WAL_OK && c.at > end) wal_cursor_fail(&c, WAL_END_OF_BYTES, end);
    if (c.code == WAL_OK && c.at < end) wal_cursor_fail(&c, WAL_TRAILING_BYTES, c.at);
    entry->event.bytes = body + start;
    entry->event.length = c.at - start;
    *offset = c.code_offset;
    return c.code;
}
