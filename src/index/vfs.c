/*
 * A thin layer over SQLite's own file access. It counts what is synced, makes
 * files that nobody else can read, and puts a checksum into the last eight
 * bytes of every page of the database, which SQLite is told to leave free
 * (index.c). So damage is noticed when it is read, wherever it is: in a row, a
 * cursor or an inner page of a tree. What waits in the WAL has sums of SQLite.
 *
 * A sum of zero means none: that is what another program leaves that only
 * moves pages from the WAL into the file, because zeros are what SQLite is
 * shown here.
 */
#include "vfs.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"

#define PAGE_SIZE	4096
#define PAGE_USED	(PAGE_SIZE - 8)

static struct sqlite3_vfs shim_vfs;
static struct sqlite3_vfs *real_vfs;
static pthread_once_t shim_once = PTHREAD_ONCE_INIT;

struct shim *
shim_of(sqlite3_file *file)
{
	return (struct shim *)(void *)((char *)file + shim_vfs.szOsFile -
	    sizeof(struct shim));
}

static bool
header_leaves_room(const unsigned char *header)
{
	return memcmp(header, "SQLite format 3", 16) == 0 && header[20] == 8;
}

/* Never zero. The place goes in: a page may not stand for another. */
static uint64_t
page_sum(const unsigned char *page, sqlite3_int64 at)
{
	uint64_t sum = index_sum_int(INDEX_SUM_START, at);

	sum = index_sum(sum, page, PAGE_USED);
	return sum == 0 ? 1 : sum;
}

/*
 * A disk that does not answer is no damaged index, for which SQLite takes it:
 * setting it aside would bring back what was deleted.
 */
int
plain_read(sqlite3_file *file, void *to, int n, sqlite3_int64 at)
{
	int rc = shim_of(file)->real->xRead(file, to, n, at);

	return rc == SQLITE_IOERR_CORRUPTFS ? SQLITE_IOERR_READ : rc;
}

static int
shim_read(sqlite3_file *file, void *to, int n, sqlite3_int64 at)
{
	struct shim *shim = shim_of(file);
	unsigned char *page = to;
	uint64_t sum;
	int rc = plain_read(file, to, n, at);

	/* A page that is cut in its midst; behind the end all is zero. */
	if (rc == SQLITE_IOERR_SHORT_READ && shim->sums && n == PAGE_SIZE &&
	    (page[0] != 0 || memcmp(page, page + 1, PAGE_SIZE - 1) != 0))
		return SQLITE_IOERR_DATA;
	if (rc != SQLITE_OK)
		return rc;
	if (at == 0 && n >= 100)
		shim->sums = header_leaves_room(page);
	if (!shim->sums || n != PAGE_SIZE)
		return rc;
	memcpy(&sum, page + PAGE_USED, sizeof(sum));
	if (sum != 0 && sum != page_sum(page, at))
		return SQLITE_IOERR_DATA;
	memset(page + PAGE_USED, 0, PAGE_SIZE - PAGE_USED);
	return rc;
}

static int
shim_write(sqlite3_file *file, const void *from, int n, sqlite3_int64 at)
{
	struct shim *shim = shim_of(file);
	unsigned char page[PAGE_SIZE];
	uint64_t sum;

	if (at == 0 && n >= 100)
		shim->sums = header_leaves_room(from);
	if (!shim->sums || n != PAGE_SIZE)
		return shim->real->xWrite(file, from, n, at);
	memcpy(page, from, PAGE_USED);
	sum = page_sum(page, at);
	memcpy(page + PAGE_USED, &sum, sizeof(sum));
	return shim->real->xWrite(file, page, n, at);
}

int
shim_sync(sqlite3_file *file, int flags)
{
	fs_count_sync();
	return shim_of(file)->real->xSync(file, flags);
}

/* The WAL and its index take the mode of the database, whatever the umask. */
static int
create_private(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int bad;

	if (fd < 0)
		return errno == EEXIST ? SQLITE_OK : SQLITE_CANTOPEN;
	bad = fchmod(fd, 0600) < 0;
	/* Nobody holds a lock on it yet that this close could drop. */
	close(fd);
	return bad ? SQLITE_CANTOPEN : SQLITE_OK;
}

static int
shim_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags,
    int *flags_out)
{
	const int created = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_CREATE;
	struct shim *shim = shim_of(file);
	int rc;

	(void)vfs;
	memset(shim, 0, sizeof(*shim));
	file->pMethods = NULL;
	if ((flags & created) == created && create_private(path) != SQLITE_OK)
		return SQLITE_CANTOPEN;
	rc = real_vfs->xOpen(real_vfs, path, file, flags, flags_out);
	if (rc != SQLITE_OK || file->pMethods == NULL)
		return rc;
	shim->real = file->pMethods;
	shim->methods = *shim->real;
	shim->methods.iVersion = 2;	/* nothing is mapped past us */
	shim->methods.xSync = shim_sync;
	shim->methods.xRead = plain_read;
	if (flags & SQLITE_OPEN_MAIN_DB) {
		shim->methods.xRead = shim_read;
		shim->methods.xWrite = shim_write;
	}
	if (flags & SQLITE_OPEN_WAL)
		vfs_gather(shim);
	file->pMethods = &shim->methods;
	return SQLITE_OK;
}

static void
shim_register(void)
{
	int rc;

	/* Nobody asks how much memory it has: that took a lock each time. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	sqlite3_initialize();
	real_vfs = sqlite3_vfs_find("unix");
	assert(real_vfs != NULL);
	shim_vfs = *real_vfs;
	shim_vfs.zName = "mailtern";
	shim_vfs.pNext = NULL;
	shim_vfs.szOsFile = (real_vfs->szOsFile + 15) / 16 * 16 +
	    (int)sizeof(struct shim);
	shim_vfs.xOpen = shim_open;
	rc = sqlite3_vfs_register(&shim_vfs, 0);
	assert(rc == SQLITE_OK);
	(void)rc;
}

const char *
index_vfs(void)
{
	pthread_once(&shim_once, shim_register);
	return shim_vfs.zName;
}
