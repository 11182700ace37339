/*
 * The layout that the folders lie in, as it is recorded beside the marker.
 *
 * It is the name of an empty directory, layout.fs-2e or layout.maildir++-2e,
 * with the separator in hex. None: layout fs. A version that knows no layouts
 * takes it for a marker that is damaged, and touches nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "internal.h"

#define PREFIX		"layout."
#define NAME_LEN	32

bool
maildir_layout_is_mark(const char *name)
{
	return strncmp(name, PREFIX, strlen(PREFIX)) == 0;
}

/* False for layout fs, which needs no record. */
static bool
format_mark(const struct layout *l, char out[NAME_LEN])
{
	snprintf(out, NAME_LEN, PREFIX "%s-%02x", l->dotted ? "maildir++" :
	    "fs", (unsigned)(unsigned char)l->separator);
	return l->dotted || l->separator != '\0';
}

int
maildir_layout_parse(const char *name, struct layout *out, struct err *err)
{
	char again[NAME_LEN];

	for (int dotted = 0; dotted < 2; dotted++)
		for (char c = '!'; c <= '~'; c++) {
			*out = (struct layout){ dotted == 1, c };
			if (layout_may_separate(c) &&
			    format_mark(out, again) &&
			    strcmp(again, name) == 0)
				return 0;
		}
	return err_set(err, ERR_CONFIG, "%s stands for a layout that this "
	    "version does not know; use the version that made it", name);
}

struct recorded {
	char name[NAME_LEN];	/* "": none */
};

static int
recorded_entry(void *arg, const char *name, unsigned char type,
    struct err *err)
{
	struct recorded *r = arg;

	(void)type;
	(void)err;
	if (maildir_layout_is_mark(name) && strlen(name) < sizeof(r->name))
		memcpy(r->name, name, strlen(name) + 1);
	return 0;
}

static void
recorded_restart(void *arg)
{
	*(struct recorded *)arg = (struct recorded){ "" };
}

/* In one step, whatever it is. want NULL: no record. */
static int
replace_mark(struct maildir *m, const char *have, const char *want)
{
	struct err ignored;

	if (want == NULL)
		return unlinkat(m->mark_fd, have, AT_REMOVEDIR);
	if (*have == '\0')
		return maildir_dir_make(m->mark_fd, want);
	return fs_rename_new(m->mark_fd, have, m->mark_fd, want, &ignored);
}

int
maildir_layout_record(struct maildir *m, const struct layout *l,
    struct err *err)
{
	struct recorded have = { "" };
	const struct dir_visit visit = { &have, recorded_entry };
	char name[NAME_LEN];
	const char *want = format_mark(l, name) ? name : NULL;

	if (maildir_dir_list(m->mark_fd, &visit, recorded_restart, err) < 0)
		return err_within(err, "%s/" MARK_DIR, m->root);
	if (strcmp(have.name, want != NULL ? want : "") == 0)
		return 0;
	if (replace_mark(m, have.name, want) < 0)
		return err_errno(err, ERR_IO, "can't record the layout of %s",
		    m->root);
	return fs_sync(m->mark_fd, m->root, err);
}
