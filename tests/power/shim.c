/* Records what a process does to the files of one folder, in the order in which it happened.
 *
 * Preloaded (LD_PRELOAD) by tests/power/recording.py, which reads the log; tests/power/disk.py makes of it what a power
 * cut could have left. POWER_FOLDER names the folder, POWER_LOG the log. What was said on standard output and over
 * sockets is in the log as well: only so is it known what had been promised at a cut.
 *
 * One lock is held over the doing and the recording, so the order of the log is that of the world. A sync is recorded
 * and not done: the disk of this computer is not what is tried. A way of writing that is not recorded here ends the
 * process, so nothing is missed unseen. Left out is `*-shm`: SQLite writes it by mmap, keeps nothing in it that must
 * outlive a cut, and builds it anew (sqlite.org/walformat.html, section 2).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS 65536
enum { NONE, A_FILE, A_FOLDER };
enum { CREATED = 1, TRUNCATED = 2, IS_FOLDER = 4 };

struct record {
    uint8_t kind, flags;
    uint16_t unused;
    int32_t fd;
    uint64_t offset;
    uint64_t length; /* bytes that follow */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char folder[PATH_MAX];
static size_t folder_length;
static int log_fd = -1;
static unsigned char kind_of[FDS];

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL)
        abort();
    return found;
}

static void die(const char *what)
{
    dprintf(2, "power shim: %s\n", what);
    abort();
}

__attribute__((constructor)) static void begin(void)
{
    const char *where = getenv("POWER_FOLDER"), *log = getenv("POWER_LOG");
    if (where == NULL || log == NULL)
        return;
    folder_length = strlen(where);
    if (folder_length >= sizeof folder)
        die("POWER_FOLDER is too long");
    memcpy(folder, where, folder_length);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    log_fd = (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 900); /* out of the way of those that are recorded */
    syscall(SYS_close, fd);
    if (log_fd < 0)
        die("POWER_LOG cannot be written");
}

static void put(char kind, int flags, int fd, uint64_t offset, const void *data, size_t length)
{
    struct record head = {(uint8_t)kind, (uint8_t)flags, 0, fd, offset, length};
    struct iovec parts[2] = {{&head, sizeof head}, {(void *)data, length}};
    if (syscall(SYS_writev, log_fd, parts, 2) != (long)(sizeof head + length))
        die("the log is full");
}

/* The absolute path, if it lies in the folder and is recorded; else NULL. */
static const char *ours(int at, const char *path, char *room)
{
    if (log_fd < 0 || path == NULL)
        return NULL;
    if (path[0] == '/') {
        if (strlen(path) >= PATH_MAX)
            return NULL;
        strcpy(room, path);
    } else {
        char link[64], base[PATH_MAX];
        ssize_t length;
        if (at == AT_FDCWD)
            strcpy(link, "/proc/self/cwd");
        else
            snprintf(link, sizeof link, "/proc/self/fd/%d", at);
        length = readlink(link, base, sizeof base - 1);
        if (length < 0 || (size_t)length + strlen(path) + 2 > PATH_MAX)
            return NULL;
        base[length] = 0;
        memcpy(room, base, (size_t)length);
        room[length] = '/';
        strcpy(room + length + 1, path);
    }
    size_t length = strlen(room);
    while (length > 1 && room[length - 1] == '/')
        room[--length] = 0;
    if (strncmp(room, folder, folder_length) || (room[folder_length] != '/' && room[folder_length] != 0))
        return NULL;
    if (length > 4 && !strcmp(room + length - 4, "-shm"))
        return NULL;
    return room;
}

static int tracked(int fd) { return log_fd >= 0 && fd >= 0 && fd < FDS ? kind_of[fd] : NONE; }

/* ------------------------------------------------------------------------------------------------ opening */

static int open_and_record(int at, const char *path, int flags, mode_t mode)
{
    char room[PATH_MAX];
    const char *name = ours(at, path, room);
    pthread_mutex_lock(&lock);
    int there = name != NULL && syscall(SYS_faccessat, AT_FDCWD, name, F_OK) == 0;
    int fd = (int)syscall(SYS_openat, at, path, flags | O_LARGEFILE, mode);
    int error = errno;
    if (fd >= 0 && fd < FDS && log_fd >= 0) {
        struct stat now;
        kind_of[fd] = NONE;
        if (name != NULL && fstat(fd, &now) == 0) {
            int is_folder = S_ISDIR(now.st_mode);
            kind_of[fd] = is_folder ? A_FOLDER : A_FILE;
            put('O', (there ? 0 : CREATED) | (there && (flags & O_TRUNC) ? TRUNCATED : 0) | (is_folder ? IS_FOLDER : 0),
                fd, 0, name, strlen(name));
        }
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return fd;
}

#define MODE(flags)                                                                                                    \
    mode_t mode = 0;                                                                                                   \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                                                                             \
        va_list more;                                                                                                  \
        va_start(more, flags);                                                                                         \
        mode = va_arg(more, mode_t);                                                                                   \
        va_end(more);                                                                                                  \
    }

int open(const char *path, int flags, ...) { MODE(flags) return open_and_record(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return open_and_record(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE(flags) return open_and_record(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE(flags) return open_and_record(at, path, flags, mode); }
int __open_2(const char *path, int flags) { return open_and_record(AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, int flags) { return open_and_record(AT_FDCWD, path, flags, 0); }
int creat(const char *path, mode_t mode)
{
    return open_and_record(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}
int creat64(const char *path, mode_t mode) { return creat(path, mode); }

int close(int fd)
{
    pthread_mutex_lock(&lock);
    if (tracked(fd)) {
        put('C', 0, fd, 0, NULL, 0);
        kind_of[fd] = NONE;
    }
    int result = (int)syscall(SYS_close, fd);
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

/* ------------------------------------------------------------------------------------------------ writing */

ssize_t pwrite64(int fd, const void *data, size_t count, off64_t offset)
{
    if (tracked(fd) != A_FILE)
        return syscall(SYS_pwrite64, fd, data, count, offset);
    pthread_mutex_lock(&lock);
    ssize_t done = syscall(SYS_pwrite64, fd, data, count, offset);
    int error = errno;
    if (done > 0)
        put('W', 0, fd, (uint64_t)offset, data, (size_t)done);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}
ssize_t pwrite(int fd, const void *data, size_t count, off_t offset) { return pwrite64(fd, data, count, offset); }

ssize_t write(int fd, const void *data, size_t count)
{
    if (tracked(fd) != A_FILE && (fd != STDOUT_FILENO || log_fd < 0))
        return syscall(SYS_write, fd, data, count);
    pthread_mutex_lock(&lock);
    ssize_t done = syscall(SYS_write, fd, data, count);
    int error = errno;
    if (done > 0 && tracked(fd) == A_FILE)
        put('W', 0, fd, (uint64_t)(lseek64(fd, 0, SEEK_CUR) - done), data, (size_t)done);
    else if (done > 0)
        put('P', 0, fd, 0, data, (size_t)done);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    if (tracked(fd) != A_FILE)
        return syscall(SYS_writev, fd, parts, count);
    ssize_t all = 0;
    for (int i = 0; i < count; i++) {
        ssize_t done = write(fd, parts[i].iov_base, parts[i].iov_len);
        if (done < 0)
            return all ? all : done;
        all += done;
        if ((size_t)done < parts[i].iov_len)
            break;
    }
    return all;
}

int ftruncate64(int fd, off64_t length)
{
    pthread_mutex_lock(&lock);
    int result = (int)syscall(SYS_ftruncate, fd, length);
    int error = errno;
    if (result == 0 && tracked(fd) == A_FILE)
        put('T', 0, fd, (uint64_t)length, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

static int sync_and_record(int fd, long number)
{
    if (!tracked(fd))
        return (int)syscall(number, fd);
    pthread_mutex_lock(&lock);
    put('F', 0, fd, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return 0;
}
int fsync(int fd) { return sync_and_record(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_and_record(fd, SYS_fdatasync); }

/* ------------------------------------------------------------------------------------------------ names */

static int name_and_record(char kind, int flags, long result, const char *name)
{
    int error = errno;
    if (result == 0 && name != NULL)
        put(kind, flags, -1, 0, name, strlen(name));
    pthread_mutex_unlock(&lock);
    errno = error;
    return (int)result;
}

int unlinkat(int at, const char *path, int flags)
{
    char room[PATH_MAX];
    const char *name = ours(at, path, room);
    pthread_mutex_lock(&lock);
    return name_and_record('U', 0, syscall(SYS_unlinkat, at, path, flags), name);
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char *path)
{
    int result = unlink(path);
    return result && errno == EISDIR ? rmdir(path) : result;
}

int mkdirat(int at, const char *path, mode_t mode)
{
    char room[PATH_MAX];
    const char *name = ours(at, path, room);
    pthread_mutex_lock(&lock);
    return name_and_record('M', 0, syscall(SYS_mkdirat, at, path, mode), name);
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

int renameat(int from_at, const char *from, int to_at, const char *to)
{
    char room[2 * PATH_MAX], other[PATH_MAX];
    const char *old = ours(from_at, from, room), *new = ours(to_at, to, other);
    if ((old == NULL) != (new == NULL))
        die("a file was moved into the folder or out of it");
    pthread_mutex_lock(&lock);
    long result = syscall(SYS_renameat, from_at, from, to_at, to);
    int error = errno;
    if (result == 0 && old != NULL) {
        size_t length = strlen(old) + 1;
        memcpy(room + length, new, strlen(new));
        put('N', 0, -1, 0, room, length + strlen(new));
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return (int)result;
}
int rename(const char *from, const char *to) { return renameat(AT_FDCWD, from, AT_FDCWD, to); }

/* ------------------------------------------------------------------------------------------------ sockets */

/* Sending and recording are one: a sync between them would make a promise look better kept than it was. */
ssize_t send(int fd, const void *data, size_t count, int flags)
{
    if (log_fd < 0)
        return syscall(SYS_sendto, fd, data, count, flags, NULL, 0);
    pthread_mutex_lock(&lock);
    ssize_t done = syscall(SYS_sendto, fd, data, count, flags, NULL, 0);
    int error = errno;
    if (done > 0)
        put('S', 0, fd, 0, data, (size_t)done);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}
ssize_t recv(int fd, void *data, size_t count, int flags)
{
    ssize_t done = syscall(SYS_recvfrom, fd, data, count, flags, NULL, NULL); /* may wait: not under the lock */
    int error = errno;
    if (done > 0 && log_fd >= 0) {
        pthread_mutex_lock(&lock);
        put('R', 0, fd, 0, data, (size_t)done);
        pthread_mutex_unlock(&lock);
    }
    errno = error;
    return done;
}

/* ------------------------------------------------------------------------------------------------ not recorded */

void *mmap64(void *near, size_t length, int protection, int flags, int fd, off64_t offset)
{
    if (tracked(fd) == A_FILE && (flags & MAP_SHARED) && (protection & PROT_WRITE))
        die("a recorded file is written by mmap");
    return (void *)syscall(SYS_mmap, near, length, protection, flags, fd, offset);
}
void *mmap(void *near, size_t length, int protection, int flags, int fd, off_t offset)
{
    return mmap64(near, length, protection, flags, fd, offset);
}
#define REFUSED(head, fd, call)                                                                                        \
    head                                                                                                               \
    {                                                                                                                  \
        if (tracked(fd) == A_FILE)                                                                                     \
            die("a recorded file is written by a call that is not recorded");                                          \
        return call;                                                                                                   \
    }
REFUSED(ssize_t sendfile64(int fd, int from, off64_t *offset, size_t count), fd,
        syscall(SYS_sendfile, fd, from, offset, count))
REFUSED(ssize_t copy_file_range(int from, off64_t *a, int fd, off64_t *b, size_t count, unsigned flags), fd,
        syscall(SYS_copy_file_range, from, a, fd, b, count, flags))
REFUSED(ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset), fd,
        REAL(pwritev64)(fd, parts, count, offset))
REFUSED(int posix_fallocate64(int fd, off64_t offset, off64_t length), fd, REAL(posix_fallocate64)(fd, offset, length))
REFUSED(int fallocate64(int fd, int mode, off64_t offset, off64_t length), fd,
        (int)syscall(SYS_fallocate, fd, mode, offset, length))
