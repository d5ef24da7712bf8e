/* The capability `bytes`: what lies below an event, in the spelling of the vectors' `then`. */
#include <stdio.h>
#include <stdlib.h>

#include "event_json.h"
#include "port.h"

static void begin(struct json_text *reply) { json_say(reply, "\"ok\": {\"then\": {"); }
static void end(struct json_text *reply) { json_say(reply, "}}"); }

static void member(struct json_text *reply, const char *name, bool is_first) {
    json_say(reply, is_first ? "\"" : ", \"");
    json_say(reply, name);
    json_say(reply, "\": ");
}
static void say_hex(struct json_text *reply, const char *name, bool is_first, const uint8_t *bytes,
                    size_t length) {
    member(reply, name, is_first);
    json_say(reply, "\"");
    json_hex(reply, bytes, length);
    json_say(reply, "\"");
}
static void say_decimal(struct json_text *reply, const char *name, bool is_first, uint64_t value) {
    member(reply, name, is_first);
    json_decimal(reply, value);
}
static void say_number(struct json_text *reply, const char *name, bool is_first, uint64_t value) {
    member(reply, name, is_first);
    json_unsigned(reply, value);
}
static void say_words(struct json_text *reply, const char *name, bool is_first, const char *words) {
    member(reply, name, is_first);
    json_quote(reply, words, strlen(words));
}

void port_crc(const struct json *request, struct json_text *reply) {
    const struct json *continues = json_member(request, "continues");
    uint8_t *bytes, before[4], after[4];
    size_t length, four;
    if (continues->length != 8 || !json_unhex(continues, before, &four)) {
        adapter_bad_request(reply, "a CRC has eight hexadecimal digits");
        return;
    }
    if (!port_bytes(request, "bytes", reply, &bytes, &length)) return;
    /* A CRC is written as a number, its highest digit first. */
    uint32_t crc = (uint32_t)before[0] << 24 | (uint32_t)before[1] << 16 | (uint32_t)before[2] << 8 |
                   (uint32_t)before[3];
    crc = wal_crc32(crc, bytes, length);
    for (int i = 0; i < 4; i++) after[i] = (uint8_t)(crc >> (24 - 8 * i));
    begin(reply);
    say_hex(reply, "crc", true, after, 4);
    end(reply);
    free(bytes);
}

void port_segment_name(const struct json *request, struct json_text *reply) {
    char name[WAL_NAME_BYTES];
    uint64_t number = 0;
    if (!json_is_integer(json_member(request, "number"), &number)) {
        adapter_bad_request(reply, "a file number is a number");
        return;
    }
    wal_segment_name(number, name);
    begin(reply);
    say_words(reply, "name", true, name);
    end(reply);
}

void port_segment_number(const struct json *request, struct json_text *reply) {
    const struct json *node = json_member(request, "name");
    char name[256] = "";
    uint32_t number = 0;
    bool is_segment = node->type == JSON_STRING && node->length < sizeof name &&
                      memchr(node->text, 0, node->length) == NULL;
    if (is_segment) {
        memcpy(name, node->text, node->length);
        is_segment = wal_name_kind_of(name, &number) == WAL_NAME_SEGMENT;
    }
    begin(reply);
    member(reply, "number", true);
    if (is_segment)
        json_unsigned(reply, number);
    else
        json_say(reply, "null");
    end(reply);
}

void port_header(const struct json *request, struct json_text *reply) {
    static const char *const faults[] = {"", "short", "crc", "magic", "", "fields"};
    struct wal_header h;
    uint8_t *bytes;
    size_t length;
    if (!port_bytes(request, "bytes", reply, &bytes, &length)) return;
    enum wal_verdict verdict = wal_header_decode(bytes, length, &h);
    begin(reply);
    if (verdict == WAL_VERDICT_UNSUPPORTED) {
        json_say(reply, "\"unsupported\": {");
        say_number(reply, "major", true, wal_get16(bytes + 8));
        say_number(reply, "flags", false, wal_get32(bytes + 12));
        json_say(reply, "}");
    } else if (verdict != WAL_VERDICT_GOOD) {
        say_words(reply, "fault", true, faults[verdict]);
    } else {
        json_say(reply, "\"header\": {");
        say_number(reply, "file_number", true, h.file_number);
        say_hex(reply, "log_id", false, h.log_id, sizeof h.log_id);
        say_hex(reply, "previous_log_id", false, h.previous_log_id, sizeof h.previous_log_id);
        say_hex(reply, "salt", false, h.salt, sizeof h.salt);
        say_decimal(reply, "relocated_from", false, h.relocated_from);
        say_decimal(reply, "continues_from", false, h.continues_from);
        say_decimal(reply, "first_sequence", false, h.first_sequence);
        json_say(reply, "}");
        say_hex(reply, "sync_word", false, wal_frame_key_of(h.salt, h.file_number).sync_word, 4);
    }
    end(reply);
    free(bytes);
}

void port_slot(const struct json *request, struct json_text *reply) {
    struct wal_slot slot;
    uint8_t *bytes;
    size_t length;
    if (!port_bytes(request, "bytes", reply, &bytes, &length)) return;
    begin(reply);
    if (wal_slot_decode(bytes, length, &slot) != WAL_VERDICT_GOOD) {
        say_words(reply, "fault", true, "unusable");
    } else {
        json_say(reply, "\"slot\": {");
        say_decimal(reply, "generation", true, slot.generation);
        say_hex(reply, "log_id", false, slot.log_id, sizeof slot.log_id);
        say_decimal(reply, "acknowledged_through", false, slot.acknowledged_through);
        say_decimal(reply, "next_sequence", false, slot.next_sequence);
        say_number(reply, "clean_file", false, slot.clean_file);
        say_decimal(reply, "clean_length", false, slot.clean_length);
        json_say(reply, "}");
        say_number(reply, "stands_at", false, slot.generation % 2 * WAL_COPY_OFFSET);
    }
    end(reply);
    free(bytes);
}

void port_frame(const struct json *request, struct json_text *reply) {
    const struct json *place = json_member(request, "offset"), *salt_hex = json_member(request, "salt");
    struct wal_frame_header header = {0, 0, 0};
    struct wal_entry entry;
    struct wal_event event;
    uint8_t *bytes, salt[8];
    size_t length, salt_length = 0, wrong_at = 0;
    uint64_t file_number, offset;
    if (!json_is_integer(json_member(request, "file_number"), &file_number) ||
        file_number > UINT32_MAX ||
        !(json_is_integer(place, &offset) || json_is_decimal(place, &offset)) ||
        salt_hex->length != 16 || !json_unhex(salt_hex, salt, &salt_length)) {
        adapter_bad_request(reply, "a place is a file number, a salt of eight bytes, and an offset");
        return;
    }
    if (!port_bytes(request, "bytes", reply, &bytes, &length)) return;
    struct wal_frame_key key = wal_frame_key_of(salt, (uint32_t)file_number);
    const char *verdict = "good";
    bool has_header = false;
    enum wal_code code = WAL_OK;
    if (length < WAL_FRAME_HEADER_BYTES)
        verdict = "incomplete";
    else if (!(has_header = wal_frame_header_verify(&key, offset, bytes, &header)))
        verdict = "bad-header";
    else if (header.body_bytes > length - WAL_FRAME_HEADER_BYTES)
        verdict = "incomplete";
    else if (!wal_frame_body_verify(&header, bytes + WAL_FRAME_HEADER_BYTES))
        verdict = "bad-body";
    else if ((code = wal_entry_decode(&header, bytes + WAL_FRAME_HEADER_BYTES, &entry, &event,
                                      &wrong_at)) != WAL_OK)
        verdict = "undecodable";
    begin(reply);
    say_words(reply, "verdict", true, verdict);
    if (has_header) {
        say_decimal(reply, "sequence", false, header.sequence);
        say_number(reply, "body_bytes", false, header.body_bytes);
    }
    if (code != WAL_OK) {
        say_words(reply, "error", false, wal_code_name(code));
        say_number(reply, "offset", false, wrong_at);
    } else if (strcmp(verdict, "good") == 0) {
        char text[31];
        wal_time_format(entry.timestamp, text);
        say_words(reply, "timestamp", false, text);
        member(reply, "event", false);
        event_to_json(&event, reply, true);
    }
    end(reply);
    free(bytes);
}

void port_timestamp(const struct json *request, struct json_text *reply) {
    uint8_t *bytes, encoded[WAL_TIMESTAMP_BYTES_MAX];
    char text[64];
    size_t length;
    if (!port_bytes(request, "bytes", reply, &bytes, &length)) return;
    struct wal_cursor c = {bytes, 0, length, WAL_OK, 0};
    struct wal_time time = wal_timestamp_read(&c);
    if (c.at < c.end) wal_cursor_fail(&c, WAL_TRAILING_BYTES, c.at);
    if (c.code != WAL_OK) {
        snprintf(text, sizeof text, ", \"offset\": %zu", c.code_offset);
        adapter_error(reply, wal_code_name(c.code), true, "the timestamp does not decode", text);
    } else {
        wal_time_format(time, text);
        begin(reply);
        say_words(reply, "value", true, text);
        member(reply, "nanoseconds", false);
        port_time_ns(reply, time);
        say_hex(reply, "encoded", false, encoded, wal_timestamp_encode(time, encoded));
        end(reply);
    }
    free(bytes);
}
