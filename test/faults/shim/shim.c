/*
 * Stands between a daemon and its disk (LD_PRELOAD), so that a test can have the k-th call fail, have the process die at
 * it, write down everything that was written and synced, or move the clock. Only files below FAULT_ROOT are looked at.
 *
 * FAULT_ROOT     the data directory, as an absolute path without links in it
 * FAULT_CONTROL  a file of `struct control` that the test writes while the daemon runs (shim.ts has the same layout)
 * FAULT_TRACE    where every change is written down (trace.ts reads it); absent: nowhere
 * FAULT_NO_SYNC  with any value, fsync and fdatasync do nothing at all
 * FAULT_LOSE     writes to logs (*.log) whose path has this in it do nothing at all
 * FAULT_NO_ERROR with any value, a write that is to fail says that all is well. These three are sabotage, to be found.
 *
 * LevelDB writes through stdio, whose own calls cannot be replaced; so fopen() of a file below the root gives a stream
 * that writes through our write().
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { OPEN = 1, CREATE = 2, WRITE = 4, SYNC = 8, RENAME = 16, UNLINK = 32, READ = 64, MKDIR = 128, TRUNCATE = 256, LIST = 512 };
enum { FAIL = 1, KILL_BEFORE = 2, KILL_AFTER = 3 };

struct control {
  uint32_t action;     /* 0: nothing */
  uint32_t operations; /* of these kinds, as bits */
  int32_t countdown;   /* the call that makes it 0 is the one */
  uint32_t error;      /* errno */
  uint32_t sticky;     /* 1: and all calls after it */
  uint32_t hits;       /* calls that failed */
  uint32_t calls;      /* calls of these kinds */
  int32_t clock;       /* seconds that the clock is wrong by */
  char path[96];       /* only where the path has this in it */
  char hit[128];       /* the last one that was hit: kind and path */
};

struct record { uint32_t kind, path_length, other_length, data_length; uint64_t inode, number; };
enum { R_CREATE = 1, R_WRITE, R_TRUNCATE, R_SYNC_BEGIN, R_SYNC_END, R_RENAME, R_UNLINK, R_MKDIR, R_RMDIR };

#define MAX_FILES 65536
static struct { char *path; uint64_t inode; int is_directory; } files[MAX_FILES];
static char root[PATH_MAX];
static size_t root_length;
static int trace = -1, no_sync, no_error;
static const char *lose;
static uint32_t sync_number;
static struct control nothing, *control = &nothing;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }
static long (*sys_call)(long, ...);
#define sys(...) ((sys_call ? sys_call : (sys_call = real("syscall")))(__VA_ARGS__))

__attribute__((constructor)) static void start(void) {
  const char *path = getenv("FAULT_ROOT");
  if (path == NULL || strlen(path) >= sizeof root - 2) return;
  strcpy(root, path);
  root_length = strlen(root);
  no_sync = getenv("FAULT_NO_SYNC") != NULL;
  no_error = getenv("FAULT_NO_ERROR") != NULL;
  lose = getenv("FAULT_LOSE");
  const char *page = getenv("FAULT_CONTROL");
  int fd = page == NULL ? -1 : sys(SYS_openat, AT_FDCWD, page, O_RDWR | O_CLOEXEC, 0);
  if (fd >= 0) {
    void *map = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED) control = map;
    sys(SYS_close, fd);
  }
  const char *to = getenv("FAULT_TRACE");
  if (to != NULL) trace = sys(SYS_openat, AT_FDCWD, to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* The part of a path below the root; NULL when it is elsewhere. */
static const char *below(const char *path) {
  if (root_length == 0 || path == NULL || strncmp(path, root, root_length) != 0) return NULL;
  if (path[root_length] == 0) return ".";
  return path[root_length] == '/' ? path + root_length + 1 : NULL;
}

static const char *path_of(int fd) { return fd >= 0 && fd < MAX_FILES ? files[fd].path : NULL; }

static void die(void) {
  sys(SYS_kill, getpid(), SIGKILL);
  for (;;) pause();
}

/* Whether this call is to fail; 2: die after it. Dies at once where that is wanted. */
static int meets(uint32_t operation, const char *path) {
  if (path == NULL || control->action == 0 || (control->operations & operation) == 0) return 0;
  if (control->path[0] != 0 && strstr(path, control->path) == NULL) return 0;
  __atomic_add_fetch(&control->calls, 1, __ATOMIC_SEQ_CST);
  int left = __atomic_sub_fetch(&control->countdown, 1, __ATOMIC_SEQ_CST);
  if (left > 0 || (left < 0 && !control->sticky)) return 0;
  __atomic_add_fetch(&control->hits, 1, __ATOMIC_SEQ_CST);
  snprintf(control->hit, sizeof control->hit, "%u %s", operation, path);
  if (control->action == KILL_BEFORE) die();
  if (control->action == KILL_AFTER) return 2;
  errno = control->error;
  return 1;
}

#define FAULT(operation, path, failure) \
  int met = meets(operation, path); \
  if (met == 1) return failure;
#define ENDED if (met == 2) die();

static void note(uint32_t kind, uint64_t inode, uint64_t number, const char *path, const char *other, const struct iovec *data, size_t length) {
  if (trace < 0) return;
  int before = errno;
  struct record head = {kind, path ? strlen(path) : 0, other ? strlen(other) : 0, length, inode, number};
  pthread_mutex_lock(&lock);
  struct iovec parts[4] = {{&head, sizeof head}, {(void *)path, head.path_length}, {(void *)other, head.other_length}, data ? *data : (struct iovec){NULL, 0}};
  sys(SYS_writev, trace, parts, 4);
  pthread_mutex_unlock(&lock);
  errno = before;
}

static int opened(int fd, const char *path, int flags, int is_new) {
  if (fd < 0 || fd >= MAX_FILES) return fd;
  struct stat found;
  if (fstat(fd, &found) != 0) return fd;
  files[fd].path = strdup(path);
  files[fd].inode = found.st_ino;
  files[fd].is_directory = S_ISDIR(found.st_mode);
  if (is_new) note(R_CREATE, found.st_ino, 0, path, NULL, NULL, 0);
  else if (flags & O_TRUNC) note(R_TRUNCATE, found.st_ino, 0, path, NULL, NULL, 0);
  return fd;
}

/* libuv closes files by number of the call. */
long syscall(long number, ...) {
  va_list rest;
  long is[6];
  va_start(rest, number);
  for (int i = 0; i < 6; i++) is[i] = va_arg(rest, long);
  va_end(rest);
  if (number == SYS_close) return close(is[0]);
  return sys(number, is[0], is[1], is[2], is[3], is[4], is[5]);
}

static int open_file(const char *path, int flags, mode_t mode) {
  const char *mine = below(path);
  if (mine == NULL) return sys(SYS_openat, AT_FDCWD, path, flags, mode);
  int is_new = (flags & O_CREAT) != 0 && sys(SYS_faccessat, AT_FDCWD, path, F_OK) != 0;
  FAULT(is_new ? CREATE | OPEN : OPEN, mine, -1)
  int fd = opened(sys(SYS_openat, AT_FDCWD, path, flags, mode), mine, flags, is_new);
  ENDED
  return fd;
}

#define OPEN_AS(name) \
  int name(const char *path, int flags, ...) { \
    va_list rest; \
    va_start(rest, flags); \
    mode_t mode = (flags & (O_CREAT | __O_TMPFILE)) ? va_arg(rest, mode_t) : 0; \
    va_end(rest); \
    return open_file(path, flags, mode); \
  }
OPEN_AS(open)
OPEN_AS(open64)

int close(int fd) {
  if (path_of(fd) != NULL) {
    free(files[fd].path);
    files[fd].path = NULL;
  }
  return sys(SYS_close, fd);
}

static void wrote(int fd, off_t at, const void *bytes, ssize_t length) {
  if (trace < 0 || length <= 0) return;
  if (at < 0) at = lseek(fd, 0, SEEK_CUR) - length;
  struct iovec data = {(void *)bytes, length};
  note(R_WRITE, files[fd].inode, at, NULL, NULL, &data, length);
}

/* A full disk takes a part of what it was given before it says so. */
static ssize_t write_at(int fd, const void *bytes, size_t length, off_t at) {
  const char *path = path_of(fd);
  if (path != NULL && lose != NULL && strstr(path, lose) != NULL && strstr(path, ".log") != NULL) return length;
  int met = meets(WRITE, path);
  if (met == 1 && no_error) return length;
  if (met == 1) {
    if (control->error != ENOSPC || length < 2 || !control->sticky) return -1;
    length /= 2;
  }
  ssize_t done = at < 0 ? sys(SYS_write, fd, bytes, length) : sys(SYS_pwrite64, fd, bytes, length, at);
  if (path != NULL) wrote(fd, at, bytes, done);
  if (done < 0 && path != NULL && no_error) return length;
  if (met == 1 && control->hits > 1) { errno = control->error; return -1; }
  ENDED
  return done;
}

ssize_t write(int fd, const void *bytes, size_t length) { return write_at(fd, bytes, length, -1); }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) { return write_at(fd, bytes, length, at); }
ssize_t writev(int fd, const struct iovec *parts, int count) {
  if (path_of(fd) == NULL) return sys(SYS_writev, fd, parts, count);
  return count == 0 ? 0 : write_at(fd, parts[0].iov_base, parts[0].iov_len, -1);
}

ssize_t read(int fd, void *bytes, size_t length) {
  FAULT(READ, path_of(fd), -1)
  return sys(SYS_read, fd, bytes, length);
}
ssize_t pread64(int fd, void *bytes, size_t length, off64_t at) {
  FAULT(READ, path_of(fd), -1)
  return sys(SYS_pread64, fd, bytes, length, at);
}

static int sync_file(int fd, int call) {
  const char *path = path_of(fd);
  if (path == NULL) return sys(call, fd);
  FAULT(SYNC, path, -1)
  if (no_sync) return 0;
  uint64_t inode = files[fd].inode;
  uint64_t number = __atomic_add_fetch(&sync_number, 1, __ATOMIC_SEQ_CST);
  note(R_SYNC_BEGIN, inode, number, files[fd].is_directory ? path : NULL, NULL, NULL, 0);
  int result = sys(call, fd);
  if (result == 0) note(R_SYNC_END, inode, number, files[fd].is_directory ? path : NULL, NULL, NULL, 0);
  ENDED
  return result;
}
int fsync(int fd) { return sync_file(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_file(fd, SYS_fdatasync); }

int rename(const char *from, const char *to) {
  const char *mine = below(to);
  FAULT(RENAME, mine, -1)
  int result = sys(SYS_rename, from, to);
  if (mine != NULL && result == 0) note(R_RENAME, 0, 0, below(from), mine, NULL, 0);
  ENDED
  return result;
}

int unlink(const char *path) {
  const char *mine = below(path);
  FAULT(UNLINK, mine, -1)
  int result = sys(SYS_unlink, path);
  if (mine != NULL && result == 0) note(R_UNLINK, 0, 0, mine, NULL, NULL, 0);
  ENDED
  return result;
}

int rmdir(const char *path) {
  const char *mine = below(path);
  FAULT(UNLINK, mine, -1)
  int result = sys(SYS_rmdir, path);
  if (mine != NULL && result == 0) note(R_RMDIR, 0, 0, mine, NULL, NULL, 0);
  return result;
}

int mkdir(const char *path, mode_t mode) {
  const char *mine = below(path);
  FAULT(MKDIR, mine, -1)
  int result = sys(SYS_mkdir, path, mode);
  if (mine != NULL && result == 0) note(R_MKDIR, 0, 0, mine, NULL, NULL, 0);
  ENDED
  return result;
}

int ftruncate64(int fd, off64_t size) {
  FAULT(TRUNCATE, path_of(fd), -1)
  int result = sys(SYS_ftruncate, fd, size);
  if (path_of(fd) != NULL && result == 0) note(R_TRUNCATE, files[fd].inode, size, NULL, NULL, NULL, 0);
  ENDED
  return result;
}

int scandir64(const char *path, struct dirent64 ***names, int (*filter)(const struct dirent64 *), int (*compare)(const struct dirent64 **, const struct dirent64 **)) {
  int (*next)() = real("scandir64");
  FAULT(LIST, below(path), -1)
  return next(path, names, filter, compare);
}

/* Streams: their numbers are kept, because fileno() of such a stream knows none. */
#define MAX_STREAMS 256
static struct { FILE *stream; int fd; } streams[MAX_STREAMS];

static ssize_t stream_read(void *cookie, char *bytes, size_t length) { return read((int)(intptr_t)cookie, bytes, length); }
static ssize_t stream_write(void *cookie, const char *bytes, size_t length) {
  for (size_t at = 0; at < length;) {
    ssize_t done = write((int)(intptr_t)cookie, bytes + at, length - at);
    if (done <= 0) return 0; /* fopencookie: 0 is an error, whose number stays */
    at += done;
  }
  return length;
}
static int stream_seek(void *cookie, off64_t *at, int from) {
  off64_t found = lseek64((int)(intptr_t)cookie, *at, from);
  if (found < 0) return -1;
  *at = found;
  return 0;
}
static int stream_close(void *cookie) {
  int fd = (int)(intptr_t)cookie;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < MAX_STREAMS; i++) if (streams[i].stream != NULL && streams[i].fd == fd) streams[i].stream = NULL;
  pthread_mutex_unlock(&lock);
  return close(fd);
}

FILE *fopen64(const char *path, const char *mode) {
  if (below(path) == NULL) return ((FILE *(*)(const char *, const char *))real("fopen64"))(path, mode);
  int flags = mode[0] == 'r' ? O_RDONLY : O_WRONLY | O_CREAT | (mode[0] == 'a' ? O_APPEND : O_TRUNC);
  int fd = open_file(path, flags | O_CLOEXEC, 0644);
  if (fd < 0) return NULL;
  cookie_io_functions_t calls = {stream_read, stream_write, stream_seek, stream_close};
  FILE *stream = fopencookie((void *)(intptr_t)fd, mode, calls);
  pthread_mutex_lock(&lock);
  for (int i = 0; i < MAX_STREAMS; i++) {
    if (streams[i].stream != NULL) continue;
    streams[i].stream = stream;
    streams[i].fd = fd;
    break;
  }
  pthread_mutex_unlock(&lock);
  return stream;
}

int fileno(FILE *stream) {
  int fd = -1;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < MAX_STREAMS && fd < 0; i++) if (streams[i].stream == stream) fd = streams[i].fd;
  pthread_mutex_unlock(&lock);
  return fd >= 0 ? fd : ((int (*)(FILE *))real("fileno"))(stream);
}

/* The clock on the wall; the one that measures time never jumps. */
int clock_gettime(clockid_t which, struct timespec *now) {
  int result = sys(SYS_clock_gettime, which, now);
  if (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE) now->tv_sec += control->clock;
  return result;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  int result = sys(SYS_gettimeofday, now, zone);
  now->tv_sec += control->clock;
  return result;
}
time_t time(time_t *to) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (to != NULL) *to = now.tv_sec;
  return now.tv_sec;
}
