/* Which accounts, and which of their folders, the arguments name. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"

static struct target *
find_target(struct selection *s, const struct conf_account *account)
{
	struct target *t;
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (s->target[i].account == account)
			return &s->target[i];
	}
	t = VEC_ADD(s->target, s->n, s->cap);
	t->account = account;
	return t;
}

static int
refuse_account(const struct conf *conf, const char *name, struct err *err)
{
	const char **names = xcalloc(conf->n, sizeof(*names)), *near;
	size_t i;

	for (i = 0; i < conf->n; i++)
		names[i] = conf->accounts[i].name;
	near = cmd_nearest(name, names, conf->n);
	free(names);
	/* A single account needs no nearness to be what is meant. */
	if (near == NULL && conf->n == 1)
		near = conf->accounts[0].name;
	if (near != NULL)
		return cmd_usage_error(err, "there is no account \"%s\" in "
		    "%s; did you mean \"%s\"", name, conf->path, near);
	return cmd_usage_error(err, "there is no account \"%s\" in %s", name,
	    conf->path);
}

static int
check_glob(const char *arg, const char *glob, struct err *err)
{
	if (*glob == '\0')
		return cmd_usage_error(err, "there is no folder behind the "
		    "colon of \"%s\"", arg);
	if (*glob == '!')
		return cmd_usage_error(err, "\"%s\" begins its pattern with "
		    "\"!\", which only \"folders\" in syncrc can; \"?\" stands "
		    "for one character of a name", arg);
	return 0;
}

static int
add_arg(struct selection *s, const struct conf *conf, const char *arg,
    struct err *err)
{
	const char *colon = strchr(arg, ':');
	const struct conf_account *account;
	struct target *t;
	char *name;

	name = xstrndup(arg, colon != NULL ? (size_t)(colon - arg) :
	    strlen(arg));
	account = conf_account_find(conf, name);
	if (account == NULL)
		refuse_account(conf, name, err);
	free(name);
	if (account == NULL)
		return -1;
	t = find_target(s, account);
	if (colon == NULL) {
		t->whole = true;
		return 0;
	}
	if (check_glob(arg, colon + 1, err) < 0)
		return -1;
	*VEC_ADD(t->glob, t->n_glob, t->cap_glob) = colon + 1;
	return 0;
}

int
selection_fill(struct selection *s, const struct conf *conf, char **arg,
    int n, struct err *err)
{
	size_t i;
	int j;

	for (i = 0; n == 0 && i < conf->n; i++)
		find_target(s, &conf->accounts[i])->whole = true;
	for (j = 0; j < n; j++) {
		if (add_arg(s, conf, arg[j], err) < 0)
			return -1;
	}
	return 0;
}

int
selection_refuse_globs(const struct selection *s, const char *command,
    struct err *err)
{
	const struct target *t;

	for (t = s->target; t < s->target + s->n; t++) {
		if (t->n_glob > 0)
			return cmd_usage_error(err, "%s takes whole accounts; "
			    "leave out \":%s\"", command, t->glob[0]);
	}
	return 0;
}

void
selection_release(struct selection *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		free(s->target[i].glob);
	free(s->target);
}

size_t
target_globs(const struct target *t)
{
	return t->whole ? 0 : t->n_glob;
}
