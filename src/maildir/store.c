/* Renames a message's file for its flags, and removes it. */
#include "maildir/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"
#include "mail/flags.h"
#include "internal.h"

/* Octets that are kept of a unique part that is too long: with 17 of its sum
 * and all letters, what eCryptfs has room for (143). */
#define SHORT_UNIQUE	100

static const char *
sub_of(bool in_new)
{
	return in_new ? "new" : "cur";
}

static int
message_gone(const struct maildir_message *msg, struct err *err)
{
	return err_set(err, ERR_STALE, "folder %s: %s/%s is not there any more",
	    msg->path, sub_of(msg->in_new), msg->file);
}

/* The directory that the message lies in, and its name taken apart. */
static int
message_dir(struct maildir *m, const struct maildir_message *msg,
    struct maildir_name *out, struct err *err)
{
	if (!maildir_file_is_safe(msg->file) ||
	    !maildir_name_parse(msg->file, out))
		return err_set(err, ERR_IO, "folder %s: not the name of a "
		    "message: %s", msg->path, msg->file);
	return maildir_dir_open(m, msg->path, sub_of(msg->in_new), err);
}

/* The same letters behind another unique part. Foreign ones that find no room
 * are left out. */
static void
name_anew(const struct maildir_name *name, const char *unique, unsigned flags,
    char file_out[MAILDIR_NAME_MAX + 1])
{
	struct maildir_name anew = *name;

	anew.unique = span_of(unique);
	if (maildir_name_format(file_out, &anew, flags))
		return;
	anew.letters.n = 0;
	(void)maildir_name_format(file_out, &anew, flags);
}

/* What leaves room for the letters on any file system. */
static void
short_name(const struct maildir_name *name, unsigned flags,
    char file_out[MAILDIR_NAME_MAX + 1])
{
	const struct span unique = name->unique;
	uint64_t sum = fnv1a(FNV1A_START, unique.p, unique.n);
	int n = unique.n < SHORT_UNIQUE ? (int)unique.n : SHORT_UNIQUE;
	char cut[SHORT_UNIQUE + 18];

	/* Not within a character. */
	while (n > 0 && n < (int)unique.n &&
	    ((unsigned char)unique.p[n] & 0xc0) == 0x80)
		n--;
	snprintf(cut, sizeof(cut), "%.*s~%016llx", n, unique.p,
	    (unsigned long long)sum);
	name_anew(name, cut, flags, file_out);
}

/* Nothing to rename, if the file is there. */
static int
keep_name(int fd, const struct maildir_message *msg,
    char file_out[MAILDIR_NAME_MAX + 1], struct err *err)
{
	struct stat st;

	if (fstatat(fd, msg->file, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? message_gone(msg, err) :
		    err_errno(err, ERR_IO, "folder %s: can't look at %s",
		    msg->path, msg->file);
	memcpy(file_out, msg->file, strlen(msg->file) + 1);
	return 0;
}

/*
 * The message has the new name, too, by an interrupted rename. That one is
 * followed, and the old one stays: who might still be at work unlinks either.
 */
static bool
is_same_file(int fd, const char *file, int tofd, const char *to)
{
	struct stat a, b;

	return fstatat(fd, file, &a, AT_SYMLINK_NOFOLLOW) == 0 &&
	    fstatat(tofd, to, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(a.st_mode) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int
rename_flagged(struct maildir *m, int fd, const struct maildir_message *msg,
    const char *file, struct err *err)
{
	struct maildir_name name;
	int to = fd, r;

	/* Without flags it may stay in new/. */
	if (msg->in_new && maildir_name_parse(file, &name) && name.flags != 0) {
		to = maildir_dir_open(m, msg->path, "cur", err);
		if (to < 0)
			return -1;
	}
	r = fs_rename_new(fd, msg->file, to, file, err);
	if (r < 0 && err->kind == ERR_STALE &&
	    is_same_file(fd, msg->file, to, file)) {
		err->kind = ERR_NONE;
		r = 0;
	}
	if (to != fd)
		close(to);
	return r == 0 ? 0 : err_within(err, "folder %s", msg->path);
}

int
maildir_set_flags(struct maildir *m, const struct maildir_message *msg,
    unsigned flags, struct maildir_renamed *out, struct err *err)
{
	struct maildir_name name;
	int fd = message_dir(m, msg, &name, err), r = -1;
	bool fits;

	if (fd < 0)
		return -1;
	fits = maildir_name_format(out->file, &name, flags);
	out->in_new = msg->in_new && flags == 0;
	if (out->in_new == msg->in_new && flags == name.flags) {
		r = keep_name(fd, msg, out->file, err);
		close(fd);
		return r;
	}
	if (fits)
		r = rename_flagged(m, fd, msg, out->file, err);
	if (!fits || (r < 0 && err->number == ENAMETOOLONG)) {
		short_name(&name, flags, out->file);
		r = rename_flagged(m, fd, msg, out->file, err);
	}
	close(fd);
	return r;
}

int
maildir_rename_fresh(struct maildir *m, const struct maildir_message *msg,
    char file_out[MAILDIR_NAME_MAX + 1], struct err *err)
{
	char unique[MAILDIR_NAME_MAX + 1];
	struct maildir_name name;
	int fd = message_dir(m, msg, &name, err), r = 0;

	if (fd < 0)
		return -1;
	maildir_name_new(unique);
	if (name.mark == '\0')
		memcpy(file_out, unique, sizeof(unique));
	else
		name_anew(&name, unique, name.flags, file_out);
	if (fs_rename_new(fd, msg->file, fd, file_out, err) < 0)
		r = err_within(err, "folder %s", msg->path);
	close(fd);
	return r;
}

int
maildir_look_removable(int fd, const struct maildir_message *msg,
    struct file_hint *out, struct err *err)
{
	struct stat st;

	if (fstatat(fd, msg->file, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? message_gone(msg, err) :
		    err_errno(err, ERR_IO, "folder %s: can't remove %s",
		    msg->path, msg->file);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_IO, "folder %s: %s is no regular file",
		    msg->path, msg->file);
	*out = maildir_hint_of(&st);
	return 0;
}

/* May it go? known NULL, or without a hint: whatever it holds. */
static int
check_removable(struct maildir *m, int fd, const struct maildir_message *msg,
    const struct maildir_known *known, struct err *err)
{
	struct file_hint now, again;
	struct fingerprint print;
	int64_t mtime;

	if (maildir_look_removable(fd, msg, &now, err) < 0)
		return -1;
	if (known == NULL || known->hint.inode == 0 ||
	    file_hint_equal(&known->hint, &now))
		return 0;
	if (known->has_content) {
		if (maildir_fingerprint(m, msg, &print, &mtime, err) < 0 ||
		    maildir_look_removable(fd, msg, &again, err) < 0)
			return -1;
		if (file_hint_equal(&now, &again) && fingerprint_is(&print,
		    known->form, known->content))
			return 0;
	}
	return err_set(err, ERR_STALE, "folder %s: %s is not the file that it "
	    "was", msg->path, msg->file);
}

/* First: what remains of a removal that fails is the message. */
static int
remove_leftovers(struct maildir *m, int fd, const struct maildir_message *msg,
    struct err *err)
{
	struct stat st;

	if (m->leftovers == NULL)
		return 0;
	if (fstatat(fd, msg->file, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? message_gone(msg, err) :
		    err_errno(err, ERR_IO, "folder %s: can't look at %s",
		    msg->path, msg->file);
	return maildir_leftovers_remove(m, msg, &st, err);
}

int
maildir_open_removable(struct maildir *m, const struct maildir_message *msg,
    const struct maildir_known *known, struct err *err)
{
	struct maildir_name name;
	int fd = message_dir(m, msg, &name, err);

	if (fd < 0 || (check_removable(m, fd, msg, known, err) == 0 &&
	    remove_leftovers(m, fd, msg, err) == 0))
		return fd;
	close(fd);
	return -1;
}

int
maildir_remove_known(struct maildir *m, const struct maildir_message *msg,
    const struct maildir_known *known, struct err *err)
{
	int fd = maildir_open_removable(m, msg, known, err), r = 0;

	if (fd < 0)
		return -1;
	if (unlinkat(fd, msg->file, 0) < 0)
		r = errno == ENOENT ? message_gone(msg, err) :
		    err_errno(err, ERR_IO, "folder %s: can't remove %s",
		    msg->path, msg->file);
	close(fd);
	return r;
}

int
maildir_sync_folder(struct maildir *m, const char *path, struct err *err)
{
	for (int i = 0; i < 2; i++) {
		int fd = maildir_dir_open(m, path, sub_of(i == 0), err), r;

		if (fd < 0)
			return -1;
		r = fs_sync(fd, path, err);
		close(fd);
		if (r < 0)
			return -1;
	}
	return 0;
}
