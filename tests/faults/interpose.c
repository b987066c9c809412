/* Stand between a program and the C library: log each call that changes files below a folder, and make one fail.
 *
 * A call counts if it changes a file or a folder, opens one for writing, or locks one, and its path lies below the folder.
 * All processes of a program count together, in one number that they share. The settings are environment variables:
 *
 *   FAULTS_ROOT     the folder, an absolute path
 *   FAULTS_COUNTER  a file of 8 bytes that holds the number of calls so far
 *   FAULTS_LOG      the file to which each call adds a line: number, function, path
 *   FAULTS_NUMBER   the call that is disturbed, counted from 1
 *   FAULTS_ERRNO    the error with which it fails
 *   FAULTS_LASTING  1: so do all later calls that need space or a writable disk
 *   FAULTS_KILL     before, after: the process is killed at the call, by SIGKILL
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

static char root[PATH_MAX], log_file[PATH_MAX];
static size_t root_length;
static atomic_long *counter;
static long disturbed;
static int error_number, lasting, kill_before, kill_after;
static _Thread_local int dying;

/* Read the settings anew, for a process that was forked after the library was loaded. */
EXPORTED void faults_read_environment(void) {
    const char *folder = getenv("FAULTS_ROOT"), *log = getenv("FAULTS_LOG"), *number = getenv("FAULTS_NUMBER");
    const char *error = getenv("FAULTS_ERRNO"), *killing = getenv("FAULTS_KILL"), *file = getenv("FAULTS_COUNTER");
    root_length = 0;
    if (folder == NULL || log == NULL || file == NULL)
        return;
    int descriptor = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDWR, 0);
    if (descriptor < 0)
        return;
    void *page = mmap(NULL, sizeof(atomic_long), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    syscall(SYS_close, descriptor);
    if (page == MAP_FAILED)
        return;
    counter = page;
    snprintf(root, sizeof root, "%s/", folder);
    snprintf(log_file, sizeof log_file, "%s", log);
    disturbed = number == NULL ? 0 : atol(number);
    error_number = error == NULL ? 0 : atoi(error);
    lasting = getenv("FAULTS_LASTING") != NULL;
    kill_before = killing != NULL && strcmp(killing, "before") == 0;
    kill_after = killing != NULL && strcmp(killing, "after") == 0;
    root_length = strlen(root);
}

__attribute__((constructor)) static void loaded(void) { faults_read_environment(); }

/* The absolute path of a path relative to a folder's descriptor. */
static const char *at(int folder, const char *path, char *space) {
    char link[64];
    if (path == NULL || root_length == 0)
        return "";
    if (path[0] == '/')
        return path;
    if (folder == AT_FDCWD)
        snprintf(link, sizeof link, "/proc/self/cwd");
    else
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    ssize_t length = readlink(link, space, PATH_MAX - 1);
    if (length < 0)
        return "";
    snprintf(space + length, PATH_MAX - (size_t)length, "/%s", path);
    return space;
}

/* The path of an open file. */
static const char *of(int descriptor, char *space) {
    char link[64];
    if (root_length == 0)
        return "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, space, PATH_MAX - 1);
    space[length < 0 ? 0 : length] = 0;
    return space;
}

static int is_writable(int descriptor) {
    int flags = (int)syscall(SYS_fcntl, descriptor, F_GETFL);
    return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY && (flags & O_PATH) == 0;
}

static int inside(const char *path) { return root_length > 0 && strncmp(path, root, root_length) == 0; }

static int takes_away(const char *function) {
    return strncmp(function, "unlink", 6) == 0 || strcmp(function, "rmdir") == 0 || strcmp(function, "remove") == 0 ||
           strstr(function, "lock") != NULL || strcmp(function, "close") == 0;
}

/* Count and log a call. Returns the error with which it is to fail, or 0. */
static int fate(const char *function, const char *detail, const char *path, const char *other) {
    char line[3 * PATH_MAX];
    if (!inside(path) && !inside(other))
        return 0;
    int kept = errno;
    long number = atomic_fetch_add(counter, 1) + 1;
    int length = snprintf(line, sizeof line, "%ld\t%s%s\t%s%s%s\n", number, function, detail, path,
                          other[0] ? "\t" : "", other);
    int log = (int)syscall(SYS_openat, AT_FDCWD, log_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (log >= 0) {
        syscall(SYS_write, log, line, (size_t)length);
        syscall(SYS_close, log);
    }
    errno = kept;
    if (disturbed == 0 || number < disturbed)
        return 0;
    if (number > disturbed)
        return lasting && (error_number == EROFS || !takes_away(function)) ? error_number : 0;
    if (kill_before)
        kill(getpid(), SIGKILL);
    dying = kill_after;
    return error_number;
}

static void done(void) {
    if (dying)
        kill(getpid(), SIGKILL);
}

#define REAL(name)                                                                                                     \
    static __typeof__(name) *real;                                                                                     \
    if (real == NULL)                                                                                                  \
    real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define FATED(failed, function, detail, path, other)                                                                   \
    do {                                                                                                               \
        int error = fate(function, detail, path, other);                                                               \
        if (error) {                                                                                                   \
            errno = error;                                                                                             \
            return failed;                                                                                             \
        }                                                                                                              \
    } while (0)

#define DONE(type, call)                                                                                               \
    do {                                                                                                               \
        type result = call;                                                                                            \
        done();                                                                                                        \
        return result;                                                                                                 \
    } while (0)

static int changes(int flags) { return (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0; }

static const char *opening(int flags) {
    if (flags & O_TRUNC)
        return " truncating";
    return flags & O_CREAT ? " creating" : " writing";
}

#define MODE                                                                                                           \
    mode_t mode = 0;                                                                                                   \
    if (flags & (O_CREAT | __O_TMPFILE)) {                                                                             \
        va_list arguments;                                                                                             \
        va_start(arguments, flags);                                                                                    \
        mode = va_arg(arguments, mode_t);                                                                              \
        va_end(arguments);                                                                                             \
    }

#define OPEN(name)                                                                                                     \
    EXPORTED int name(const char *path, int flags, ...) {                                                              \
        REAL(name);                                                                                                    \
        MODE char space[PATH_MAX];                                                                                     \
        if (!changes(flags))                                                                                           \
            return real(path, flags, mode);                                                                            \
        FATED(-1, "open", opening(flags), at(AT_FDCWD, path, space), "");                                              \
        DONE(int, real(path, flags, mode));                                                                            \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                                                   \
    EXPORTED int name(int folder, const char *path, int flags, ...) {                                                  \
        REAL(name);                                                                                                    \
        MODE char space[PATH_MAX];                                                                                     \
        if (!changes(flags))                                                                                           \
            return real(folder, path, flags, mode);                                                                    \
        FATED(-1, "open", opening(flags), at(folder, path, space), "");                                                \
        DONE(int, real(folder, path, flags, mode));                                                                    \
    }
OPENAT(openat)
OPENAT(openat64)

#define CREAT(name)                                                                                                    \
    EXPORTED int name(const char *path, mode_t mode) {                                                                 \
        REAL(name);                                                                                                    \
        char space[PATH_MAX];                                                                                          \
        FATED(-1, "open", " truncating", at(AT_FDCWD, path, space), "");                                               \
        DONE(int, real(path, mode));                                                                                   \
    }
CREAT(creat)
CREAT(creat64)

#define FOPEN(name)                                                                                                    \
    EXPORTED FILE *name(const char *path, const char *mode) {                                                          \
        REAL(name);                                                                                                    \
        char space[PATH_MAX];                                                                                          \
        if (mode[0] == 'r' && strchr(mode, '+') == NULL)                                                               \
            return real(path, mode);                                                                                   \
        const char *detail = mode[0] == 'w' ? " truncating" : mode[0] == 'a' ? " creating" : " writing";               \
        FATED(NULL, "open", detail, at(AT_FDCWD, path, space), "");                                                    \
        DONE(FILE *, real(path, mode));                                                                                \
    }
FOPEN(fopen)
FOPEN(fopen64)

EXPORTED size_t fwrite(const void *data, size_t size, size_t items, FILE *stream) {
    REAL(fwrite);
    char space[PATH_MAX];
    FATED(0, "write", "", of(fileno(stream), space), "");
    DONE(size_t, real(data, size, items, stream));
}

EXPORTED int fflush(FILE *stream) {
    REAL(fflush);
    char space[PATH_MAX];
    if (stream != NULL && __fwritable(stream))
        FATED(EOF, "write", "", of(fileno(stream), space), "");
    DONE(int, real(stream));
}

EXPORTED int fclose(FILE *stream) {
    REAL(fclose);
    char space[PATH_MAX];
    int error = __fwritable(stream) && fileno(stream) >= 0 ? fate("close", "", of(fileno(stream), space), "") : 0;
    int result = real(stream);
    done();
    if (error) {
        errno = error;
        return EOF;
    }
    return result;
}

/* A file is closed even if that fails. */
EXPORTED int close(int descriptor) {
    REAL(close);
    char space[PATH_MAX];
    int error = root_length && is_writable(descriptor) ? fate("close", "", of(descriptor, space), "") : 0;
    int result = real(descriptor);
    done();
    if (error) {
        errno = error;
        return -1;
    }
    return result;
}

/* Calls that take one open file. */
#define ON_FILE(type, name, label, parameters, arguments)                                                              \
    EXPORTED type name parameters {                                                                                    \
        REAL(name);                                                                                                    \
        char space[PATH_MAX];                                                                                          \
        FATED(-1, label, "", of(descriptor, space), "");                                                               \
        DONE(type, real arguments);                                                                                    \
    }
ON_FILE(ssize_t, write, "write", (int descriptor, const void *data, size_t size), (descriptor, data, size))
ON_FILE(ssize_t, pwrite, "write", (int descriptor, const void *data, size_t size, off_t place),
        (descriptor, data, size, place))
ON_FILE(ssize_t, pwrite64, "write", (int descriptor, const void *data, size_t size, off64_t place),
        (descriptor, data, size, place))
ON_FILE(ssize_t, writev, "write", (int descriptor, const struct iovec *parts, int count), (descriptor, parts, count))
ON_FILE(ssize_t, pwritev, "write", (int descriptor, const struct iovec *parts, int count, off_t place),
        (descriptor, parts, count, place))
ON_FILE(ssize_t, sendfile, "write", (int descriptor, int source, off_t *place, size_t size),
        (descriptor, source, place, size))
ON_FILE(ssize_t, sendfile64, "write", (int descriptor, int source, off64_t *place, size_t size),
        (descriptor, source, place, size))
ON_FILE(int, ftruncate, "truncate", (int descriptor, off_t size), (descriptor, size))
ON_FILE(int, ftruncate64, "truncate", (int descriptor, off64_t size), (descriptor, size))
ON_FILE(int, fallocate, "fallocate", (int descriptor, int mode, off_t place, off_t size),
        (descriptor, mode, place, size))
ON_FILE(int, fallocate64, "fallocate", (int descriptor, int mode, off64_t place, off64_t size),
        (descriptor, mode, place, size))
ON_FILE(int, fchmod, "chmod", (int descriptor, mode_t mode), (descriptor, mode))
ON_FILE(int, fsync, "fsync", (int descriptor), (descriptor))
ON_FILE(int, fdatasync, "fsync", (int descriptor), (descriptor))
ON_FILE(int, flock, "flock", (int descriptor, int operation), (descriptor, operation))
ON_FILE(int, futimens, "utime", (int descriptor, const struct timespec times[2]), (descriptor, times))

EXPORTED ssize_t copy_file_range(int source, off64_t *from, int descriptor, off64_t *to, size_t size,
                                 unsigned int flags) {
    REAL(copy_file_range);
    char space[PATH_MAX];
    FATED(-1, "write", "", of(descriptor, space), "");
    DONE(ssize_t, real(source, from, descriptor, to, size, flags));
}

#define FCNTL(name)                                                                                                    \
    EXPORTED int name(int descriptor, int command, ...) {                                                              \
        REAL(name);                                                                                                    \
        va_list arguments;                                                                                             \
        va_start(arguments, command);                                                                                  \
        void *argument = va_arg(arguments, void *);                                                                    \
        va_end(arguments);                                                                                             \
        char space[PATH_MAX];                                                                                          \
        if ((command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK || command == F_OFD_SETLKW) &&        \
            ((struct flock *)argument)->l_type != F_UNLCK)                                                             \
            FATED(-1, "lock", "", of(descriptor, space), "");                                                          \
        DONE(int, real(descriptor, command, argument));                                                                \
    }
FCNTL(fcntl)
FCNTL(fcntl64)

/* Calls that take one path. */
#define ON_PATH(name, label, parameters, arguments, folder)                                                            \
    EXPORTED int name parameters {                                                                                     \
        REAL(name);                                                                                                    \
        char space[PATH_MAX];                                                                                          \
        FATED(-1, label, "", at(folder, path, space), "");                                                             \
        DONE(int, real arguments);                                                                                     \
    }
ON_PATH(unlink, "unlink", (const char *path), (path), AT_FDCWD)
ON_PATH(unlinkat, flags &AT_REMOVEDIR ? "rmdir" : "unlink", (int folder, const char *path, int flags),
        (folder, path, flags), folder)
ON_PATH(remove, "remove", (const char *path), (path), AT_FDCWD)
ON_PATH(rmdir, "rmdir", (const char *path), (path), AT_FDCWD)
ON_PATH(mkdir, "mkdir", (const char *path, mode_t mode), (path, mode), AT_FDCWD)
ON_PATH(mkdirat, "mkdir", (int folder, const char *path, mode_t mode), (folder, path, mode), folder)
ON_PATH(symlink, "symlink", (const char *target, const char *path), (target, path), AT_FDCWD)
ON_PATH(symlinkat, "symlink", (const char *target, int folder, const char *path), (target, folder, path), folder)
ON_PATH(truncate, "truncate", (const char *path, off_t size), (path, size), AT_FDCWD)
ON_PATH(truncate64, "truncate", (const char *path, off64_t size), (path, size), AT_FDCWD)
ON_PATH(chmod, "chmod", (const char *path, mode_t mode), (path, mode), AT_FDCWD)
ON_PATH(fchmodat, "chmod", (int folder, const char *path, mode_t mode, int flags), (folder, path, mode, flags), folder)
ON_PATH(utimensat, "utime", (int folder, const char *path, const struct timespec times[2], int flags),
        (folder, path, times, flags), folder)
ON_PATH(setxattr, "setxattr", (const char *path, const char *key, const void *value, size_t size, int flags),
        (path, key, value, size, flags), AT_FDCWD)

/* Calls that take two paths. */
#define ON_PATHS(name, label, parameters, arguments, first, second)                                                    \
    EXPORTED int name parameters {                                                                                     \
        REAL(name);                                                                                                    \
        char space[PATH_MAX], other[PATH_MAX];                                                                         \
        FATED(-1, label, "", at(first, from, space), at(second, to, other));                                           \
        DONE(int, real arguments);                                                                                     \
    }
ON_PATHS(rename, "rename", (const char *from, const char *to), (from, to), AT_FDCWD, AT_FDCWD)
ON_PATHS(renameat, "rename", (int one, const char *from, int two, const char *to), (one, from, two, to), one, two)
ON_PATHS(renameat2, flags &RENAME_EXCHANGE ? "exchange" : "rename",
         (int one, const char *from, int two, const char *to, unsigned int flags), (one, from, two, to, flags), one, two)
ON_PATHS(link, "link", (const char *from, const char *to), (from, to), AT_FDCWD, AT_FDCWD)
ON_PATHS(linkat, "link", (int one, const char *from, int two, const char *to, int flags), (one, from, two, to, flags),
         one, two)

/* Of calls by number, those that have no function in older C libraries. */
EXPORTED long syscall(long number, ...) {
    REAL(syscall);
    long a[6];
    va_list arguments;
    va_start(arguments, number);
    for (int index = 0; index < 6; ++index)
        a[index] = va_arg(arguments, long);
    va_end(arguments);
    if (number == SYS_renameat2) {
        char space[PATH_MAX], other[PATH_MAX];
        FATED(-1, (unsigned)a[4] & RENAME_EXCHANGE ? "exchange" : "rename", "", at((int)a[0], (const char *)a[1], space),
              at((int)a[2], (const char *)a[3], other));
    }
    DONE(long, real(number, a[0], a[1], a[2], a[3], a[4], a[5]));
}
