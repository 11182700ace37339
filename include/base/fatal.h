/*
 * The end of the process where nothing could go on: no memory, or no descriptor
 * at the start. Every store is crash-safe, so ending here and now is a tested
 * path, and no caller has to write one for it.
 */
#ifndef BASE_FATAL_H
#define BASE_FATAL_H

/* "mailtern: SENTENCE" on stderr, exit status 74. Takes no memory. */
_Noreturn void fatal(const char *sentence);

_Noreturn void fatal_memory(void);

#endif
