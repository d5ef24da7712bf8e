/* Events as JSON Lines (EVT-2.1, EVT-2.2). */
#ifndef EVENT_JSON_H
#define EVENT_JSON_H

#include "json.h"
#include "wal_format.h"

/* Reads an object with exactly the sixteen fields. False if it is none, and then *field names the one
 * that is wrong, if one can be named. Text of the event points into the document; items of the command line
 * are encoded into `items`, which the caller frees. */
bool event_from_json(const struct json *object, struct wal_event *event, struct json_text *items,
                     struct wal_text *field);
/* The canonical line. `memory_as_text`: as the vectors and the protocol's `then` spell it. */
void event_to_json(const struct wal_event *event, struct json_text *line, bool memory_as_text);
/* The fewest digits that are read back as the same float, in the spelling of EVT-2.1. */
void event_float(double value, struct json_text *text);

#endif
