/*
 * Reads what lies in a folder, and says whether something can have been missed.
 * A reading is complete when nothing can have been, in new/ and then in cur/:
 * what moves from new/ to cur/ meanwhile is seen in one of them, or twice. What
 * moves the other way (mutt, when a message is marked as new) could slip
 * through; it moves the mtime of new/, so such a reading is repeated once.
 */
#include "maildir/scan.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "internal.h"

#define SCAN_TRIES	5

struct scan {
	const struct maildir_visit *visit;
	struct maildir_scan *out;
	int fd[2];		/* new, cur */
	struct stat stamp[2];
	struct dir_pass pass;
	int at;			/* which of them is being read */
	bool stopped;		/* by the visitor: the error is his */
};

static const char *const scan_sub[2] = { "new", "cur" };

/*
 * What is no plain file comes too: whoever put it in a known message's place
 * did not delete the message. Nothing ever opens it.
 */
static bool
is_odd(int fd, const char *name, unsigned char type)
{
	struct stat st;

	if (type != DT_UNKNOWN)
		return type != DT_REG;
	return fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !S_ISREG(st.st_mode);
}

static int
scan_entry(void *arg, const char *name, unsigned char type, struct err *err)
{
	struct scan *s = arg;
	struct maildir_entry e = { s->at == 0, name, s->pass.inode, false };
	struct span ignored;

	if (name[0] == '.' && !maildir_name_is_leftover(name, &ignored))
		return 0;
	e.odd = is_odd(s->fd[s->at], name, type);
	s->out->files += !e.odd && name[0] != '.';
	if (s->visit->entry(s->visit->arg, &e, err) < 0) {
		s->stopped = true;
		return -1;
	}
	return 0;
}

static void
scan_close(struct scan *s)
{
	for (int i = 0; i < 2; i++) {
		if (s->fd[i] >= 0)
			close(s->fd[i]);
		s->fd[i] = -1;
	}
}

static int
scan_open(struct scan *s, struct maildir *m, const char *path, struct err *err)
{
	for (int i = 0; i < 2; i++) {
		s->fd[i] = maildir_dir_open(m, path, scan_sub[i], err);
		if (s->fd[i] < 0)
			return -1;
		if (maildir_dir_stamp(s->fd[i], &s->stamp[i]) < 0)
			return err_errno(err, ERR_IO,
			    "folder %s: can't look at %s", path, scan_sub[i]);
	}
	s->out->new_mtime = fs_mtime_ns(&s->stamp[0]);
	s->out->cur_mtime = fs_mtime_ns(&s->stamp[1]);
	return 0;
}

/* Sets out->complete; quiet_out: new/ did not change from start to end. */
static int
scan_read(struct scan *s, const char *path, bool *quiet_out, struct err *err)
{
	const struct dir_visit visit = { s, scan_entry };
	bool proven = true;
	struct stat st;

	s->out->files = 0;
	for (s->at = 0; s->at < 2; s->at++) {
		if (maildir_pass_read(&s->pass, s->fd[s->at],
		    &s->stamp[s->at], &visit, err) < 0)
			return s->stopped ? -1 :
			    err_within(err, "folder %s", path);
		proven = proven && s->pass.proven;
		if (!s->pass.proven)
			maildir_pass_again(&s->pass);
	}
	s->out->complete = proven;
	*quiet_out = fstat(s->fd[0], &st) == 0 &&
	    fs_mtime_ns(&st) == s->out->new_mtime;
	return 0;
}

int
maildir_scan(struct maildir *m, const char *path,
    const struct maildir_visit *visit, struct maildir_scan *out,
    struct err *err)
{
	struct scan s = { .visit = visit, .out = out, .fd = { -1, -1 } };
	bool again = true, quiet = true, waived = false;
	int r = 0;

	*out = (struct maildir_scan){ 0 };
	for (int i = 0; i < SCAN_TRIES && r == 0 && again; i++) {
		if (i > 0)
			visit->restart(visit->arg);
		r = scan_open(&s, m, path, err);
		if (r == 0)
			r = scan_read(&s, path, &quiet, err);
		scan_close(&s);
		again = !out->complete || (!quiet && !waived);
		waived = waived || out->complete;
	}
	maildir_pass_release(&s.pass);
	return r;
}

int
maildir_stamps(struct maildir *m, const char *path, struct maildir_scan *out,
    struct err *err)
{
	struct scan s = { .out = out, .fd = { -1, -1 } };
	int r;

	*out = (struct maildir_scan){ 0 };
	r = scan_open(&s, m, path, err);
	out->complete = r == 0 && maildir_stamps_are_fine(s.fd[0]) &&
	    maildir_stamps_are_fine(s.fd[1]);
	scan_close(&s);
	return r;
}
