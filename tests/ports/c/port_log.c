/* The capability `log`: opening, looking, closing. Appending and settling are in port_append.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port.h"

struct wal_log *port_log_open;

void *port_allocate(size_t count, size_t bytes) {
    void *memory = calloc(count + 1, bytes); /* one more: an empty list is a list */
    if (memory == NULL) abort();
    return memory;
}

void port_fail(struct json_text *reply, enum wal_code code, const char *why) {
    adapter_error(reply, wal_code_name(code), wal_code_is_definite(code), why, "");
}

bool port_is_closed(struct json_text *reply) {
    if (port_log_open == NULL) port_fail(reply, WAL_CLOSED, "no log is open");
    return port_log_open == NULL;
}

/* ---- settings and opening ---- */

static bool set(struct wal_config *c, const struct json *setting) {
    const struct {
        const char *name;
        uint64_t *value;
    } settings[] = {{"rotation_bytes", &c->rotation_bytes},
                    {"file_bytes_max", &c->file_bytes_max},
                    {"batch_bytes_max", &c->batch_bytes_max},
                    {"event_bytes_max", &c->event_bytes_max},
                    {"quota_bytes", &c->quota_bytes},
                    {"quarantine_bytes_max", &c->quarantine_bytes_max},
                    {"quarantine_files_max", &c->quarantine_files_max},
                    {"acknowledge_interval_ns", &c->acknowledge_interval_ns},
                    {"acknowledge_count_max", &c->acknowledge_count_max},
                    {"fixed", &c->fixed}};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (setting->key_length == strlen(settings[i].name) &&
            memcmp(setting->key, settings[i].name, setting->key_length) == 0) {
            c->is_fixed |= settings[i].value == &c->fixed;
            return json_is_integer(setting, settings[i].value);
        }
    return false;
}

/* Opens what the request names; false, with the error in the reply, if it cannot. */
static bool open_log(const struct json *request, struct json_text *reply) {
    const struct json *dir = json_member(request, "dir"), *settings = json_member(request, "settings");
    struct wal_config config = wal_config_default();
    char why[200] = "";
    bool makes_sense = port_log_open == NULL && dir->type == JSON_STRING && settings->type == JSON_OBJECT;
    for (const struct json *s = makes_sense ? settings->first : NULL; s != NULL; s = s->next)
        makes_sense = makes_sense && set(&config, s);
    if (!makes_sense) {
        adapter_bad_request(reply, port_log_open != NULL ? "a log is open" : "there is no such setting");
        return false;
    }
    char *path = port_allocate(dir->length + 1, 1);
    memcpy(path, dir->text, dir->length);
    enum wal_code code = wal_open(path, &config, &port_log_open, why, sizeof why);
    free(path);
    if (code != WAL_OK) port_fail(reply, code, why);
    return code == WAL_OK;
}

void port_open(const struct json *request, struct json_text *reply) {
    if (!open_log(request, reply)) return;
    const struct wal_report *report = wal_report_of(port_log_open);
    json_say(reply, "\"ok\": {\"report\": ");
    port_report(report, reply);
    json_say(reply, ", \"log_id\": \"");
    json_hex(reply, report->log_id, sizeof report->log_id);
    json_say(reply, "\"}");
}

/* ---- looking ---- */

static bool say_entry(void *context, const struct wal_entry *entry) {
    struct json_text *text = context;
    json_say(text, text->length > 0 ? ", {\"sequence\": " : "{\"sequence\": ");
    json_decimal(text, entry->sequence);
    json_say(text, ", \"timestamp_ns\": ");
    port_time_ns(text, entry->timestamp);
    json_say(text, ", \"event\": \"");
    json_hex(text, entry->event.bytes, entry->event.length);
    json_say(text, "\"}");
    return true;
}

static enum wal_code say_entries(struct json_text *reply, uint64_t after) {
    struct json_text entries = {NULL, 0, 0};
    enum wal_code code = wal_replay(port_log_open, after, say_entry, &entries);
    if (code == WAL_OK) {
        json_say(reply, "\"entries\": [");
        json_add(reply, entries.bytes, entries.length);
        json_say(reply, "]");
    }
    free(entries.bytes);
    return code;
}

void port_replay(const struct json *request, struct json_text *reply) {
    uint64_t after;
    size_t start = reply->length;
    if (port_is_closed(reply)) return;
    if (!json_is_decimal(json_member(request, "after"), &after)) {
        adapter_bad_request(reply, "a sequence is a decimal string");
        return;
    }
    json_say(reply, "\"ok\": {");
    enum wal_code code = say_entries(reply, after);
    if (code == WAL_OK) {
        json_say(reply, "}");
    } else {
        reply->length = start;
        port_fail(reply, code, "");
    }
}

void port_status(const struct json *request, struct json_text *reply) {
    (void)request;
    if (port_is_closed(reply)) return;
    struct wal_status status = wal_status_of(port_log_open);
    json_say(reply, "\"ok\": {\"next_sequence\": ");
    json_decimal(reply, status.next_sequence);
    json_say(reply, ", \"acknowledged_through\": ");
    json_decimal(reply, status.acknowledged_through);
    json_say(reply, ", \"hidden_from\": ");
    if (status.hidden_from != 0)
        json_decimal(reply, status.hidden_from);
    else
        json_say(reply, "null");
    json_say(reply, ", \"segments\": [");
    for (size_t i = 0; i < status.segment_count; i++) {
        char name[WAL_NAME_BYTES];
        wal_segment_name_at(port_log_open, i, name);
        if (i > 0) json_say(reply, ", ");
        json_quote(reply, name, strlen(name));
    }
    json_say(reply, "], \"used_bytes\": ");
    json_decimal(reply, status.used_bytes);
    json_say(reply, "}");
}

void port_close(const struct json *request, struct json_text *reply) {
    char why[200];
    (void)request;
    if (port_is_closed(reply)) return;
    bool is_clean = wal_close(port_log_open, why, sizeof why);
    port_log_open = NULL;
    json_say(reply, is_clean ? "\"ok\": {\"clean\": true, \"reason\": " : "\"ok\": {\"clean\": false, \"reason\": ");
    json_quote(reply, why, strlen(why));
    json_say(reply, "}");
}

static void say_letter(void *context, uint64_t sequence) {
    struct json_text *text = context;
    if (text->length > 0) json_say(text, ", ");
    json_decimal(text, sequence);
}

void port_recover(const struct json *request, struct json_text *reply) {
    size_t start = reply->length;
    if (!open_log(request, reply)) return;
    const struct json *dir = json_member(request, "dir");
    const struct wal_report *report = wal_report_of(port_log_open);
    json_say(reply, "\"ok\": {\"report\": ");
    port_report(report, reply);
    json_say(reply, ", \"next_sequence\": ");
    json_decimal(reply, report->next_sequence);
    json_say(reply, ", ");
    enum wal_code code = say_entries(reply, 0);
    struct json_text letters = {NULL, 0, 0};
    char *path = port_allocate(dir->length + 1, 1);
    memcpy(path, dir->text, dir->length);
    wal_dead_letters(path, say_letter, &letters);
    json_say(reply, ", \"dead_letters\": [");
    json_add(reply, letters.bytes, letters.length);
    json_say(reply, "]}");
    free(path);
    free(letters.bytes);
    wal_abandon(port_log_open); /* as a crash would leave it: recovery has to be enough */
    port_log_open = NULL;
    if (code == WAL_OK) return;
    reply->length = start;
    port_fail(reply, code, "");
}
