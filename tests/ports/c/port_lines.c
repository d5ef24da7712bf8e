/* The operation json_line, the report, and the spelling of times. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "event_json.h"
#include "port.h"

void port_json_line(const struct json *request, struct json_text *reply) {
    struct json_document document;
    struct json_text items = {NULL, 0, 0}, line = {NULL, 0, 0};
    struct wal_event event;
    struct wal_text field = {NULL, 0, false};
    uint8_t *bytes;
    size_t length;
    uint64_t line_number = 0;
    if (!json_is_integer(json_member(request, "line_number"), &line_number)) {
        adapter_bad_request(reply, "a line number is a number");
        return;
    }
    if (!port_bytes(request, "bytes", reply, &bytes, &length)) return;
    if (json_parse(&document, (const char *)bytes, length) != NULL ||
        !event_from_json(document.root, &event, &items, &field)) {
        port_no_event(reply, field, line_number);
    } else {
        event_to_json(&event, &line, false);
        json_say(reply, "\"ok\": {\"then\": {\"event\": ");
        event_to_json(&event, reply, true);
        json_say(reply, ", \"encoded\": \"");
        port_event_hex(reply, &event);
        json_say(reply, "\", \"line\": ");
        json_quote(reply, line.bytes, line.length);
        json_say(reply, "}}");
    }
    json_free(&document);
    free(items.bytes);
    free(line.bytes);
    free(bytes);
}

void port_time_ns(struct json_text *text, struct wal_time time) {
    char digits[48];
    if (time.seconds == 0)
        snprintf(digits, sizeof digits, "\"%" PRIu32 "\"", time.nanoseconds);
    else /* up to 9999 these are more than 64 bits */
        snprintf(digits, sizeof digits, "\"%" PRIu64 "%09" PRIu32 "\"", time.seconds, time.nanoseconds);
    json_say(text, digits);
}

static void say_id(struct json_text *text, const uint8_t *id, bool is_there) {
    json_say(text, "\"");
    if (is_there) json_hex(text, id, WAL_LOG_ID_BYTES);
    json_say(text, "\"");
}

static void say_count(struct json_text *text, const char *name, uint64_t count) {
    json_say(text, ", \"");
    json_say(text, name);
    json_say(text, "\": ");
    json_unsigned(text, count);
}

static void say_decimal(struct json_text *text, const char *name, uint64_t number) {
    json_say(text, ", \"");
    json_say(text, name);
    json_say(text, "\": ");
    json_decimal(text, number);
}

static void say_names(struct json_text *text, const char *name, const struct wal_names *names) {
    json_say(text, ", \"");
    json_say(text, name);
    json_say(text, "\": [");
    for (size_t i = 0; i < names->count; i++) {
        if (i > 0) json_say(text, ", ");
        json_quote(text, names->items[i], strlen(names->items[i]));
    }
    json_say(text, "]");
}

static void say_damage(struct json_text *text, const struct wal_damage *damage) {
    json_say(text, "{\"kind\": \"");
    json_say(text, wal_damage_kind_name(damage->kind));
    json_say(text, "\", \"file\": ");
    json_quote(text, damage->file, strlen(damage->file));
    say_count(text, "offset", damage->offset);
    say_count(text, "length_bytes", damage->length);
    json_say(text, ", \"fate\": \"");
    json_say(text, wal_fate_name(damage->fate));
    json_say(text, "\"");
    if (damage->first_sequence != 0)
        say_decimal(text, "first_sequence", damage->first_sequence);
    else
        json_say(text, ", \"first_sequence\": null");
    say_decimal(text, "sequence_count", damage->sequence_count);
    json_say(text, ", \"detail\": \"\"}");
}

void port_report(const struct wal_report *report, struct json_text *text) {
    json_say(text, "{\"log_id\": ");
    say_id(text, report->log_id, true);
    json_say(text, ", \"previous_log_id\": ");
    say_id(text, report->previous_log_id, report->has_previous_log_id);
    json_say(text, report->clean_shutdown ? ", \"clean_shutdown\": true" : ", \"clean_shutdown\": false");
    say_count(text, "segments", report->segments);
    say_count(text, "entries", report->entries);
    say_decimal(text, "acknowledged_through", report->acknowledged_through);
    say_decimal(text, "next_sequence", report->next_sequence);
    say_decimal(text, "lost", report->lost);
    say_decimal(text, "possibly_lost", report->possibly_lost);
    say_decimal(text, "dead_lettered", report->dead_lettered);
    json_say(text, ", \"damages\": [");
    for (size_t i = 0; i < report->damages_listed; i++) {
        if (i > 0) json_say(text, ", ");
        say_damage(text, &report->damages[i]);
    }
    json_say(text, "]");
    say_count(text, "damages_not_listed", report->damages_not_listed);
    say_names(text, "ignored", &report->ignored);
    say_names(text, "removed", &report->removed);
    say_names(text, "quarantined", &report->quarantined);
    say_count(text, "not_kept", report->not_kept);
    json_say(text, ", \"degraded\": ");
    json_quote(text, report->degraded, strlen(report->degraded));
    json_say(text, ", \"live\": false}");
}
