/* The capability `codec`, and the table of all that this port has. */
#include <stdlib.h>
#include <string.h>

#include "event_json.h"
#include "port.h"

/* Claim only what is there: the kit takes each capability at its word. */
const char adapter_hello[] =
    "\"protocol\": 1, \"name\": \"wal-c\", \"language\": \"C\", \"version\": \"0.1\", "
    "\"capabilities\": [\"codec\", \"log\", \"bytes\"], \"limits\": {}, \"issues_url\": \"\"";

const struct adapter_operation adapter_operations[] = {
    {"decode", "event", port_decode},
    {"encode", "json", port_encode},
    {"open", "dir settings", port_open},
    {"append", "event", port_append},
    {"append_batch", "events", port_append_batch},
    {"acknowledge", "through", port_acknowledge},
    {"refuse", "sequence reason", port_refuse},
    {"replay", "after", port_replay},
    {"status", "", port_status},
    {"close", "", port_close},
    {"recover", "dir settings", port_recover},
    {"crc", "bytes continues", port_crc},
    {"segment_name", "number", port_segment_name},
    {"segment_number", "name", port_segment_number},
    {"header", "bytes", port_header},
    {"slot", "bytes", port_slot},
    {"frame", "bytes file_number salt offset", port_frame},
    {"timestamp", "bytes", port_timestamp},
    {"json_line", "bytes line_number", port_json_line},
    {NULL, NULL, NULL},
};

bool port_bytes(const struct json *request, const char *field, struct json_text *reply,
                uint8_t **bytes, size_t *length) {
    const struct json *node = json_member(request, field);
    *bytes = port_allocate(node->length / 2, 1);
    if (json_unhex(node, *bytes, length)) return true;
    free(*bytes);
    *bytes = NULL;
    adapter_bad_request(reply, "bytes are lowercase hexadecimal");
    return false;
}

void port_event_hex(struct json_text *text, const struct wal_event *event) {
    size_t length = wal_event_encode(event, NULL);
    uint8_t *bytes = port_allocate(length, 1);
    wal_event_encode(event, bytes);
    json_hex(text, bytes, length);
    free(bytes);
}

void port_no_event(struct json_text *reply, struct wal_text field, uint64_t line_number) {
    struct json_text more = {NULL, 0, 0};
    json_say(&more, ", \"field\": ");
    if (field.present)
        json_quote(&more, (const char *)field.bytes, field.length);
    else
        json_say(&more, "null");
    if (line_number != 0) {
        json_say(&more, ", \"line_number\": ");
        json_unsigned(&more, line_number);
    }
    json_add(&more, "", 1);
    adapter_error(reply, "InvalidJsonLine", true, "this is no event", more.bytes);
    free(more.bytes);
}

void port_decode(const struct json *request, struct json_text *reply) {
    uint8_t *bytes;
    size_t length, offset;
    struct wal_event event;
    if (!port_bytes(request, "event", reply, &bytes, &length)) return;
    enum wal_code code = wal_event_decode(bytes, length, &event, &offset);
    if (code == WAL_OK) {
        json_say(reply, "\"ok\": {\"json\": ");
        event_to_json(&event, reply, false);
        json_say(reply, "}");
    } else {
        struct json_text more = {NULL, 0, 0};
        json_say(&more, ", \"offset\": ");
        json_unsigned(&more, offset);
        json_add(&more, "", 1);
        adapter_error(reply, wal_code_name(code), true, "the event does not decode", more.bytes);
        free(more.bytes);
    }
    free(bytes);
}

void port_encode(const struct json *request, struct json_text *reply) {
    struct wal_event event;
    struct wal_text field;
    struct json_text items = {NULL, 0, 0};
    if (!event_from_json(json_member(request, "json"), &event, &items, &field)) {
        port_no_event(reply, field, 0);
    } else if (wal_event_encode(&event, NULL) > WAL_EVENT_BYTES_MAX) {
        adapter_error(reply, wal_code_name(WAL_EVENT_TOO_LARGE), true, "the event is too large", "");
    } else {
        json_say(reply, "\"ok\": {\"event\": \"");
        port_event_hex(reply, &event);
        json_say(reply, "\"}");
    }
    free(items.bytes);
}
