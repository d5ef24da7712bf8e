/* The capability `log`: appending and settling. An event comes as its encoded bytes, and one that does
 * not decode is refused here, before the log sees it. */
#include <stdlib.h>
#include <string.h>

#include "port.h"

static void say_numbers(struct json_text *text, const uint64_t *numbers, size_t count) {
    json_say(text, "[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0) json_say(text, ", ");
        json_decimal(text, numbers[i]);
    }
    json_say(text, "]");
}

void port_append(const struct json *request, struct json_text *reply) {
    struct wal_blob blob;
    struct wal_event event;
    uint8_t *bytes;
    size_t offset;
    uint64_t sequence;
    if (port_is_closed(reply) || !port_bytes(request, "event", reply, &bytes, &blob.length)) return;
    blob.bytes = bytes;
    enum wal_code code = wal_event_decode(bytes, blob.length, &event, &offset);
    if (code == WAL_OK) code = wal_append(port_log_open, blob, &sequence);
    if (code == WAL_OK) {
        json_say(reply, "\"ok\": {\"sequence\": ");
        json_decimal(reply, sequence);
        json_say(reply, "}");
    } else {
        port_fail(reply, code, "");
    }
    free(bytes);
}

void port_append_batch(const struct json *request, struct json_text *reply) {
    const struct json *list = json_member(request, "events");
    size_t count = 0, stored = 0, i = 0, offset;
    enum wal_code code = WAL_OK;
    if (port_is_closed(reply)) return;
    for (const struct json *item = list->first; item != NULL; item = item->next) count++;
    struct wal_blob *blobs = port_allocate(count, sizeof *blobs);
    uint64_t *sequences = port_allocate(count, sizeof *sequences);
    bool is_hex = list->type == JSON_ARRAY;
    for (const struct json *item = list->first; item != NULL && is_hex; item = item->next, i++) {
        struct wal_event event;
        uint8_t *bytes = port_allocate(item->length / 2, 1);
        is_hex = json_unhex(item, bytes, &blobs[i].length);
        blobs[i].bytes = bytes;
        if (is_hex && code == WAL_OK) code = wal_event_decode(bytes, blobs[i].length, &event, &offset);
    }
    if (is_hex && code == WAL_OK) code = wal_append_batch(port_log_open, blobs, count, sequences, &stored);
    if (!is_hex) {
        adapter_bad_request(reply, "events are a list of lowercase hexadecimal");
    } else if (code == WAL_OK) {
        json_say(reply, "\"ok\": {\"sequences\": ");
        say_numbers(reply, sequences, stored);
        json_say(reply, "}");
    } else {
        struct json_text more = {NULL, 0, 0};
        json_say(&more, ", \"stored\": ");
        say_numbers(&more, sequences, stored);
        json_add(&more, "", 1);
        adapter_error(reply, wal_code_name(code), wal_code_is_definite(code), "", more.bytes);
        free(more.bytes);
    }
    for (i = 0; i < count; i++) free((void *)(uintptr_t)blobs[i].bytes);
    free(blobs);
    free(sequences);
}

/* ---- settling ---- */

static void answer(struct json_text *reply, enum wal_code code) {
    if (code == WAL_OK)
        adapter_ok(reply);
    else
        port_fail(reply, code, "");
}

void port_acknowledge(const struct json *request, struct json_text *reply) {
    uint64_t through;
    if (port_is_closed(reply)) return;
    if (json_is_decimal(json_member(request, "through"), &through))
        answer(reply, wal_acknowledge(port_log_open, through));
    else
        adapter_bad_request(reply, "a sequence is a decimal string");
}

void port_refuse(const struct json *request, struct json_text *reply) {
    const struct json *reason = json_member(request, "reason");
    uint64_t sequence;
    if (port_is_closed(reply)) return;
    if (json_is_decimal(json_member(request, "sequence"), &sequence) && reason->type == JSON_STRING)
        answer(reply, wal_refuse(port_log_open, sequence,
                                 (struct wal_text){(const uint8_t *)reason->text, reason->length, true}));
    else
        adapter_bad_request(reply, "a sequence is a decimal string, and a reason is text");
}
