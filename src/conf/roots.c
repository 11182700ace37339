/*
 * No Maildir root may be, hold or lie in another account's: each account would
 * take the other's folders for deleted or new.
 */
#include "internal.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The real path of what exists of it, and the rest as it is written. */
static char *
resolve(const char *path)
{
	char *head = xstrdup(path), *real = NULL, *slash, *out;

	for (;;) {
		real = realpath(head, NULL);
		slash = strrchr(head, '/');
		if (real != NULL || slash == head)
			break;
		*slash = '\0';
	}
	if (real == NULL)
		out = xstrdup(path);
	else
		out = xasprintf("%s%s", strcmp(real, "/") == 0 ? "" : real,
		    path + strlen(head));
	free(real);
	free(head);
	return out;
}

static bool
is_within(const char *path, const char *root)
{
	size_t n = strlen(root);

	return strncmp(path, root, n) == 0 &&
	    (path[n] == '\0' || path[n] == '/');
}

static int
check_pair(const struct conf *conf, char *const *real, size_t i, size_t j,
    struct err *err)
{
	const struct conf_account *a = &conf->accounts[i];
	struct conf_place place = { .path = conf->path, .line = a->line };
	const char *how;
	char *label;

	if (strcmp(real[i], real[j]) == 0)
		how = "is that of";
	else if (is_within(real[i], real[j]))
		how = "lies in that of";
	else if (is_within(real[j], real[i]))
		how = "holds that of";
	else
		return 0;
	label = xasprintf("account %s", a->name);
	place.section = label;
	conf_fail(err, &place, "its maildir %s account %s; give each account "
	    "a directory of its own", how, conf->accounts[j].name);
	free(label);
	return -1;
}

int
conf_roots_check(const struct conf *conf, struct err *err)
{
	char **real = xcalloc(conf->n, sizeof(*real));
	size_t i, j;
	int status = 0;

	for (i = 0; i < conf->n; i++)
		real[i] = resolve(conf->accounts[i].maildir);
	for (i = 0; i < conf->n && status == 0; i++) {
		for (j = 0; j < i && status == 0; j++)
			status = check_pair(conf, real, i, j, err);
	}
	for (i = 0; i < conf->n; i++)
		free(real[i]);
	free(real);
	return status;
}
