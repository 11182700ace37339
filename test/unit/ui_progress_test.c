/* The progress line as text by width, and as bytes on a pseudo-terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "ui/progress.h"

#include "../../src/ui/internal.h"

#define ITEM(a, w, d, t) \
	{ .account = (char *)(uintptr_t)(a), .what = (char *)(uintptr_t)(w), \
	  .done = (d), .total = (t) }

static const struct {
	struct progress_item items[4];
	size_t n, width;
	const char *line;
} rows[] = {
	{ { ITEM("work", "pulling", 1200, 2500) }, 1, 80,
	  "work: pulling [#############................]  48% 1200/2500" },
	{ { ITEM("work", "pulling", 1200, 2500) }, 1, 40,
	  "work: pulling [###.....]  48% 1200/2500" },
	{ { ITEM("work", "pulling", 1200, 2500) }, 1, 30,
	  "work: pulling  48% 1200/2500" },
	{ { ITEM("work", "pulling", 1200, 2500) }, 1, 24,
	  "work: pu  48% 1200/2500" },
	{ { ITEM("work", "pulling", 1200, 2500) }, 1, 16, "work: pulling" },
	{ { ITEM("work", "pulling", 1200, 2500) }, 1, 5, "work" },
	{ { ITEM("work", "pulling", 1200, 2500) }, 1, 1, "" },
	{ { ITEM("work", "pulling", 1200, 2500) }, 1, 0, "" },
	{ { ITEM("work", "lists/some-name: pulling", 1200, 2500) }, 1, 49,
	  "work: lists/some-name: pulling  48% 1200/2500" },
	{ { ITEM("work", "lists/some-name: pulling", 1200, 2500) }, 1, 40,
	  "work: lists/...: pulling  48% 1200/2500" },
	{ { ITEM("work", "lists/some-name: pulling", 1200, 2500) }, 1, 30,
	  "work: pulling  48% 1200/2500" },
	{ { ITEM("work", "a: b: pulling", 1, 0) }, 1, 80,
	  "work: a: b: pulling 1" },
	{ { ITEM("a", "scanning", 17, 0) }, 1, 80, "a: scanning 17" },
	{ { ITEM("a", "connecting", 0, 0) }, 1, 80, "a: connecting" },
	{ { ITEM("a", "x", 9, 3) }, 1, 30, "a: x [#############] 100% 9/3" },
	{ { ITEM("a", "x", 0, 3) }, 1, 30, "a: x [.............]   0% 0/3" },
	{ { ITEM("a", "pulling", 5, 10), ITEM("b", "scanning", 3, 0) }, 2, 66,
	  "a: pulling [####....]  50% 5/10   b: scanning 3" },
	{ { ITEM("a", "pulling", 5, 10), ITEM("b", "scanning", 3, 0) }, 2, 60,
	  "a: pulling  50% 5/10   b: scanning 3" },
	{ { ITEM("a", "pulling", 5, 10), ITEM("b", "scanning", 3, 0),
	    ITEM("c", "pushing", 1, 2) }, 3, 50,
	  "a: pulling  50% 5/10   b: scanning 3 +1" },
	{ { ITEM("a", "\x1b[2J\xc3\xa4", 0, 0) }, 1, 80,
	  "a: ?[2J\xc3\xa4" },
	{ { ITEM("a", "\xe6\x97\xa5\xe6\x9c\xac", 0, 0) }, 1, 7,
	  "a: \xe6\x97\xa5" },
	{ { ITEM("a", "", 0, 0) }, 0, 80, "" },
};

static void
line_fits_width(void **state)
{
	struct buf out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_init(&out, 1000);
		progress_format(&out, rows[i].items, rows[i].n, rows[i].width);
		assert_string_equal(buf_str(&out), rows[i].line);
		buf_release(&out);
	}
}

/* For every width and number of accounts: never as wide as the terminal. */
static void
line_never_wraps(void **state)
{
	struct progress_item items[9];
	struct buf out;
	size_t i, n, width;

	(void)state;
	for (i = 0; i < 9; i++)
		items[i] = (struct progress_item)ITEM("account",
		    "some/folder: pulling", 123456789 * i, i * 987654321);
	for (n = 1; n <= 9; n++) {
		for (width = 1; width < 200; width++) {
			buf_init(&out, 1000);
			progress_format(&out, items, n, width);
			assert_true(out.len < width);
			buf_release(&out);
		}
	}
}

/* What has been written to the other end of a pipe; it is there at once. */
static void
take(int fd, char *out, size_t max)
{
	ssize_t n = read(fd, out, max - 1);

	out[n > 0 ? n : 0] = '\0';
}

/* The same for a terminal, which hands it over in its own time: a mark is sent
 * behind it and waited for. */
static void
take_screen(int master, int slave, char *out, size_t max)
{
	struct pollfd ready = { .fd = master, .events = POLLIN };
	size_t n = 0;
	ssize_t got;

	assert_int_equal(write(slave, "\001", 1), 1);
	while (n == 0 || out[n - 1] != '\001') {
		assert_int_equal(poll(&ready, 1, 10000), 1);
		got = read(master, out + n, max - 1 - n);
		assert_true(got > 0);
		n += (size_t)got;
	}
	out[n - 1] = '\0';
}

static void
open_terminal(unsigned short columns, int *master, int *slave)
{
	struct winsize size = { .ws_row = 25, .ws_col = columns };

	setenv("TERM", "xterm", 1);
	unsetenv("COLUMNS");
	assert_int_equal(openpty(master, slave, NULL, NULL, &size), 0);
	assert_int_equal(fcntl(*master, F_SETFL, O_NONBLOCK), 0);
}

static void
update(struct progress *p, const char *what, uint64_t done, uint64_t now)
{
	struct progress_item item = ITEM("a", what, done, 0);

	progress_update_at(p, &item, now);
}

static void
bar_is_rate_limited_and_cleared(void **state)
{
	struct progress *p;
	char out[500];
	int master, slave;

	(void)state;
	open_terminal(40, &master, &slave);
	p = progress_new_at(slave, false, 1000);
	update(p, "x", 1, 1000);
	take_screen(master, slave, out, sizeof(out));
	assert_string_equal(out, "\ra: x 1\033[K");
	update(p, "x", 2, 1099);
	take_screen(master, slave, out, sizeof(out));
	assert_string_equal(out, "");
	update(p, "x", 3, 1100);
	take_screen(master, slave, out, sizeof(out));
	assert_string_equal(out, "\ra: x 3\033[K");
	progress_hide();
	progress_hide();
	take_screen(master, slave, out, sizeof(out));
	assert_string_equal(out, "\r\033[K");
	update(p, "x", 4, 1200);
	take_screen(master, slave, out, sizeof(out));
	assert_string_equal(out, "\ra: x 4\033[K");
	progress_free(p);
	take_screen(master, slave, out, sizeof(out));
	assert_string_equal(out, "\r\033[K");
	progress_hide();
	take_screen(master, slave, out, sizeof(out));
	assert_string_equal(out, "");
	close(master);
	close(slave);
}

static void
bar_follows_window(void **state)
{
	struct winsize size = { .ws_row = 25, .ws_col = 7 };
	struct progress *p;
	char out[500];
	int master, slave;

	(void)state;
	open_terminal(0, &master, &slave);
	setenv("COLUMNS", "9", 1);
	p = progress_new_at(slave, false, 0);
	update(p, "abcdefghij", 0, 0);
	take_screen(master, slave, out, sizeof(out));
	assert_string_equal(out, "\ra: abcde\033[K");
	assert_int_equal(ioctl(master, TIOCSWINSZ, &size), 0);
	update(p, "abcdefghij", 0, 100);
	take_screen(master, slave, out, sizeof(out));
	assert_string_equal(out, "\ra: abc\033[K");
	progress_free(p);
	unsetenv("COLUMNS");
	close(master);
	close(slave);
}

static void
log_line_clears_bar(void **state)
{
	struct progress *p;
	char out[500];
	int master, slave, saved = dup(2);

	(void)state;
	open_terminal(40, &master, &slave);
	p = progress_new_at(slave, false, 0);
	update(p, "x", 1, 0);
	dup2(slave, 2);
	log_warn("hello");
	dup2(saved, 2);
	close(saved);
	take_screen(master, slave, out, sizeof(out));
	assert_non_null(strstr(out, "\ra: x 1\033[K\r\033[K"));
	assert_non_null(strstr(out, "hello\r\n"));
	progress_free(p);
	close(master);
	close(slave);
}

static void
elsewhere_plain_lines(void **state)
{
	struct progress_item item = ITEM("a", "pulling", 5, 9);
	struct progress *p;
	char out[500];
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	p = progress_new_at(fds[1], false, 500);
	progress_update_at(p, &item, 500);
	progress_update_at(p, &item, 10499);
	take(fds[0], out, sizeof(out));
	assert_string_equal(out, "");
	progress_update_at(p, &item, 10500);
	update(p, "scanning", 7, 10501);
	update(p, "scanning", 8, 20499);
	take(fds[0], out, sizeof(out));
	assert_string_equal(out, "a: pulling 5 of 9\n");
	update(p, "scanning", 9, 20500);
	progress_hide();
	take(fds[0], out, sizeof(out));
	assert_string_equal(out, "a: scanning 9\n");
	progress_free(p);
	close(fds[0]);
	close(fds[1]);
}

static void
quiet_is_quiet(void **state)
{
	struct progress *p;
	char out[500];
	int master, slave;

	(void)state;
	open_terminal(40, &master, &slave);
	p = progress_new_at(slave, true, 0);
	update(p, "x", 1, 0);
	update(p, "x", 1, 60000);
	progress_free(p);
	take_screen(master, slave, out, sizeof(out));
	assert_string_equal(out, "");
	progress_update(NULL, "a", "x", 1, 2);
	progress_free(NULL);
	close(master);
	close(slave);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_fits_width),
		cmocka_unit_test(line_never_wraps),
		cmocka_unit_test(bar_is_rate_limited_and_cleared),
		cmocka_unit_test(bar_follows_window),
		cmocka_unit_test(log_line_clears_bar),
		cmocka_unit_test(elsewhere_plain_lines),
		cmocka_unit_test(quiet_is_quiet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
