/*
 * One event of --json: an object on one line that begins with "event". Keys
 * keep the order in which they were added. Text that is not UTF-8 (a file name
 * from disk, a word from a server) has its bad bytes replaced by U+FFFD, so
 * that every line is valid JSON.
 *
 *	struct json_event *e = json_event_new("deliver");
 *	json_event_add_text(e, "account", account);
 *	json_event_add_number(e, "uid", uid);
 *	report_event(report, e);
 */
#ifndef UI_JSON_H
#define UI_JSON_H

#include <stdbool.h>
#include <stdint.h>

struct json_event;

struct json_event *json_event_new(const char *event);
void json_event_free(struct json_event *);	/* NULL is fine */

/* NULL text becomes null. */
void json_event_add_text(struct json_event *, const char *key,
    const char *text);
void json_event_add_number(struct json_event *, const char *key, uint64_t);
void json_event_add_real(struct json_event *, const char *key, double);
void json_event_add_bool(struct json_event *, const char *key, bool);

/* What is added between the two goes into an object under key; one level. */
void json_event_enter(struct json_event *, const char *key);
void json_event_leave(struct json_event *);

/* The line without its end. Caller frees. */
char *json_event_format(const struct json_event *);

#endif
