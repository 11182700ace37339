/*
 * Diagnostics on stderr. Three levels: warnings always, -v adds what happens,
 * -vv adds the protocol. Secrets never come here: whoever logs protocol text
 * replaces them first. Safe from any thread. Text is made printable, a line
 * goes out in one write.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_set_level(enum log_level);
enum log_level log_level(void);
void log_at(enum log_level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Called before a line is written, so that a progress bar can clear itself;
 * NULL for none. It runs under the lock that keeps lines apart, in whichever
 * thread logs, and must not log itself.
 */
void log_set_before(void (*before)(void));

#define log_warn(...)	log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...)	log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...)	log_at(LOG_DEBUG, __VA_ARGS__)

#endif
