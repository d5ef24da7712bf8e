/* The adapter: JSON lines on standard input, one reply each on standard output.
 *
 * This file is the protocol (fault_injection/ports/PROTOCOL.md) and nothing else: it knows no log, and
 * can be copied as it is. The rules that it keeps, by their numbers there:
 *
 *   1  a reply is one line, written with one call, so its place among the system calls is the promise
 *   2  the id goes back as it came
 *   4  ok, error, unsupported, or skipped
 *   5  an unknown operation is "unsupported", a request that makes no sense is "BadRequest"
 *   6  bye, and the end of the input, end the process with 0, and close no log
 *   7  nothing else is written to standard output
 */
#include "adapter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void adapter_error(struct json_text *reply, const char *code, bool is_definite, const char *text,
                   const char *more) {
    json_say(reply, "\"error\": {\"code\": ");
    json_quote(reply, code, strlen(code));
    json_say(reply, is_definite ? ", \"definite\": true, \"text\": " : ", \"definite\": false, \"text\": ");
    json_quote(reply, text, strlen(text));
    json_say(reply, more);
    json_say(reply, "}");
}

void adapter_bad_request(struct json_text *reply, const char *text) {
    adapter_error(reply, "BadRequest", true, text, "");
}

void adapter_ok(struct json_text *reply) { json_say(reply, "\"ok\": {}"); }

/* Every field of the operation is there, once, and none that is not. */
static bool makes_sense(const struct json *request, const char *fields) {
    size_t wanted = 2, found = 0; /* id and op */
    if (json_member(request, "id") == NULL) return false;
    for (const char *word = fields; *word != '\0'; word += strspn(word, " "), wanted++) {
        size_t length = strcspn(word, " ");
        const struct json *item = request->first;
        while (item != NULL && (item->key_length != length || memcmp(item->key, word, length) != 0))
            item = item->next;
        if (item == NULL) return false;
        word += length;
    }
    for (const struct json *item = request->first; item != NULL; item = item->next) found++;
    return found == wanted;
}

static void hello(const struct json *request, struct json_text *reply) {
    (void)request; /* there is one version of the protocol so far */
    json_say(reply, "\"ok\": {");
    json_say(reply, adapter_hello);
    json_say(reply, "}");
}

static void bye(const struct json *request, struct json_text *reply) {
    (void)request;
    adapter_ok(reply);
}

static const struct adapter_operation own[] = {
    {"hello", "protocol", hello}, {"bye", "", bye}, {NULL, NULL, NULL}};

static const struct adapter_operation *find(const struct json *op) {
    for (const struct adapter_operation *o = own; o->name != NULL; o++)
        if (json_is_text(op, o->name)) return o;
    for (const struct adapter_operation *o = adapter_operations; o->name != NULL; o++)
        if (json_is_text(op, o->name)) return o;
    return NULL;
}

static void answer(const struct json *request, struct json_text *reply) {
    const struct json *id = json_member(request, "id"), *op = json_member(request, "op");
    const struct adapter_operation *operation = find(op);
    json_say(reply, "{\"id\": ");
    if (id != NULL && id->type == JSON_NUMBER)
        json_add(reply, id->text, id->length);
    else
        json_say(reply, "null");
    json_say(reply, ", ");
    if (op == NULL)
        adapter_bad_request(reply, "there is no operation in it");
    else if (operation == NULL)
        json_say(reply, "\"unsupported\": {\"capability\": \"unknown\"}");
    else if (!makes_sense(request, operation->fields))
        adapter_bad_request(reply, "these are not the fields of the operation");
    else
        operation->answer(request, reply);
    json_say(reply, "}\n");
}

/* One call, if the pipe takes it: nothing that the port does afterwards may come between. */
static void write_out(const struct json_text *reply) {
    for (size_t done = 0; done < reply->length;) {
        ssize_t count = write(STDOUT_FILENO, reply->bytes + done, reply->length - done);
        if (count < 0 && errno != EINTR) exit(1);
        if (count > 0) done += (size_t)count;
    }
}

int main(void) {
    char *line = NULL;
    size_t room = 0;
    struct json_text reply = {NULL, 0, 0};
    bool is_over = false;
    for (ssize_t length; !is_over && (length = getline(&line, &room, stdin)) > 0;) {
        struct json_document document;
        json_parse(&document, line, (size_t)length); /* what cannot be read has no id and no op */
        reply.length = 0;
        answer(document.root, &reply);
        write_out(&reply);
        is_over = json_is_text(json_member(document.root, "op"), "bye");
        json_free(&document);
    }
    free(line);
    free(reply.bytes);
    return 0; /* an open log is left as it is: a process that goes away is no clean shutdown */
}
