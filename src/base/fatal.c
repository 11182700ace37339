/* Ends the process with one sentence, where nothing can go on. */
#include "base/fatal.h"

#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/err.h"

_Noreturn void
fatal(const char *sentence)
{
	char copy[200];
	size_t n = strnlen(sentence, sizeof(copy));
	struct iovec part[] = {
		{ "mailtern: ", sizeof("mailtern: ") - 1 },
		{ copy, n },
		{ "\n", 1 },
	};

	ssize_t told;

	memcpy(copy, sentence, n);
	/* No stdio: it may want memory. The result does not matter any more. */
	told = writev(STDERR_FILENO, part, 3);
	(void)told;
	_exit(err_exit_status(ERR_IO));
}

_Noreturn void
fatal_memory(void)
{
	fatal("out of memory");
}
