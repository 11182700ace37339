/*
 * The progress bar as a thing on a terminal. One mutex guards it, since log
 * lines, before which it clears itself, come from any thread. It never logs:
 * the log calls it with its own lock held.
 */
#include "ui/progress.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "internal.h"

#define REDRAW_MS	100
#define PLAIN_MS	10000
#define WIDTH		80

struct progress {
	int fd;
	bool bar;		/* fd is a terminal that can go back */
	bool quiet;
	bool shown;		/* the bar is on the screen */
	uint64_t next_at;	/* not drawn again before */
	struct progress_item *items;
	size_t n, cap;
};

/* The one that log lines and reports have to clear. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct progress *present;

static void
write_all(int fd, const char *s, size_t n)
{
	ssize_t done;

	/* A lost progress line is no reason to fail or to wait. */
	for (; n > 0; s += done, n -= (size_t)done) {
		done = write(fd, s, n);
		if (done <= 0)
			return;
	}
}

static void
clear(struct progress *p)
{
	if (p->shown)
		write_all(p->fd, "\r\033[K", 4);
	p->shown = false;
}

static size_t
terminal_width(int fd)
{
	struct winsize size;
	const char *columns = getenv("COLUMNS");
	uint64_t n;

	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	if (columns != NULL && span_number(span_of(columns), 1000, &n) && n > 0)
		return (size_t)n;
	return WIDTH;
}

static void
draw_bar(struct progress *p)
{
	struct buf line;

	buf_init(&line, UI_LINE_MAX);
	buf_add_str(&line, "\r");
	progress_format(&line, p->items, p->n, terminal_width(p->fd));
	buf_add_str(&line, "\033[K");
	write_all(p->fd, (const char *)line.data, line.len);
	buf_release(&line);
	p->shown = true;
}

static void
print_plain(struct progress *p, const struct progress_item *item)
{
	struct buf line;
	char what[200 + 4];

	buf_init(&line, UI_LINE_MAX);
	str_printable(what, 200, item->what, strlen(item->what));
	buf_addf(&line, "%s: %s", item->account, what);
	if (item->done > 0 || item->total > 0)
		buf_addf(&line, " %llu", (unsigned long long)item->done);
	if (item->total > 0)
		buf_addf(&line, " of %llu", (unsigned long long)item->total);
	buf_add_str(&line, "\n");
	write_all(p->fd, (const char *)line.data, line.len);
	buf_release(&line);
}

/* The item of that account, at the end when it is new. */
static struct progress_item *
find_item(struct progress *p, const char *account)
{
	struct progress_item *item;
	size_t i;

	for (i = 0; i < p->n; i++) {
		if (strcmp(p->items[i].account, account) == 0)
			return &p->items[i];
	}
	item = VEC_ADD(p->items, p->n, p->cap);
	item->account = xstrdup(account);
	item->what = xstrdup("");
	return item;
}

struct progress *
progress_new_at(int fd, bool quiet, uint64_t now)
{
	struct progress *p = xcalloc(1, sizeof(*p));
	const char *term = getenv("TERM");

	p->fd = fd;
	p->quiet = quiet;
	p->bar = isatty(fd) == 1 && (term == NULL ||
	    strcmp(term, "dumb") != 0);
	/* The first bar comes at once, plain lines tell of long work only. */
	p->next_at = p->bar ? now : now + PLAIN_MS;
	pthread_mutex_lock(&lock);
	present = p;
	pthread_mutex_unlock(&lock);
	log_set_before(progress_hide);
	return p;
}

struct progress *
progress_new(int fd, bool quiet)
{
	return progress_new_at(fd, quiet, clock_mono_ms());
}

void
progress_free(struct progress *p)
{
	size_t i;

	if (p == NULL)
		return;
	log_set_before(NULL);
	pthread_mutex_lock(&lock);
	clear(p);
	if (present == p)
		present = NULL;
	pthread_mutex_unlock(&lock);
	for (i = 0; i < p->n; i++) {
		free(p->items[i].account);
		free(p->items[i].what);
	}
	free(p->items);
	free(p);
}

static void
set_item(struct progress *p, const struct progress_item *now)
{
	struct progress_item *item = find_item(p, now->account);

	if (strcmp(item->what, now->what) != 0) {
		free(item->what);
		item->what = xstrdup(now->what);
	}
	item->done = now->done;
	item->total = now->total;
}

void
progress_update_at(struct progress *p, const struct progress_item *item,
    uint64_t now)
{
	if (p->quiet)
		return;
	pthread_mutex_lock(&lock);
	set_item(p, item);
	if (now >= p->next_at) {
		p->next_at = now + (p->bar ? REDRAW_MS : PLAIN_MS);
		if (p->bar)
			draw_bar(p);
		else
			print_plain(p, item);
	}
	pthread_mutex_unlock(&lock);
}

void
progress_update(struct progress *p, const char *account, const char *what,
    uint64_t done, uint64_t total)
{
	struct progress_item item = { .done = done, .total = total };

	if (p == NULL)
		return;
	/* Copied where it is kept; the item only carries them there. */
	item.account = (char *)(uintptr_t)account;
	item.what = (char *)(uintptr_t)what;
	progress_update_at(p, &item, clock_mono_ms());
}

void
progress_hide(void)
{
	pthread_mutex_lock(&lock);
	if (present != NULL)
		clear(present);
	pthread_mutex_unlock(&lock);
}
