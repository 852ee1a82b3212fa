// What Glibc's Swift overlay leaves out, or what can't be said in Swift: eventfd(2), naming and signal-masking of
// threads, and what a process does first of all.
#ifndef MOOSE_CLINUX_SHIM_H
#define MOOSE_CLINUX_SHIM_H
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static inline int moose_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

/// Names the calling thread (15 bytes at most) and blocks every signal on it, so that the
/// process's own signal handling decides, never an I/O thread.
static inline void moose_prepare_thread(const char *name) {
    pthread_setname_np(pthread_self(), name);
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, 0);
}

/// Opens /dev/null in the place of each of the three standard descriptors that is closed, before a socket gets its number.
static inline void moose_open_standard_descriptors(void) {
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) (void)open("/dev/null", O_RDWR);
}

/// Whether the signal is ignored, as nohup(1) leaves SIGHUP.
static inline int moose_ignores(int number) {
    struct sigaction action;
    return sigaction(number, 0, &action) == 0 && action.sa_handler == SIG_IGN;
}

/// Moves the environment elsewhere and wipes the place that /proc/PID/environ shows. Call it before there is a second
/// thread.
static inline void moose_hide_environment(void) {
    size_t count = 0;
    while (environ[count]) count++;
    char **copy = (char **)calloc(count + 1, sizeof *copy);
    if (!copy) return;
    for (size_t i = 0; i < count; i++) {
        copy[i] = strdup(environ[i]);
        // Without memory for all of it everything stays as it was.
        if (!copy[i]) return;
    }
    char **old = environ;
    environ = copy;
    for (size_t i = 0; i < count; i++) explicit_bzero(old[i], strlen(old[i]));
}

/// Keeps other processes of the same user from reading this one's memory, environment and descriptors.
static inline void moose_forbid_reading(void) { prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

/// What the first process of a container has to do and other programs don't: passes signals on to the one child it
/// starts (this program again, with these arguments) and buries every orphan. Returns the status to exit with: the
/// child's, or 128 and its signal; -1 when it could not be started, with errno.
static inline int moose_be_first_process(char *const argv[]) {
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    sigprocmask(SIG_BLOCK, &all, 0);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    pid_t child;
    int failure = posix_spawn(&child, "/proc/self/exe", 0, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    if (failure != 0) {
        errno = failure;
        return -1;
    }
    for (;;) {
        siginfo_t info;
        int number = sigwaitinfo(&all, &info);
        if (number == SIGCHLD) {
            int status;
            pid_t ended;
            while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {
                if (ended != child) continue;
                return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            }
        } else if (number > 0 && info.si_code != SI_KERNEL) {
            // What the kernel sends for the terminal, the child got as well.
            kill(child, number);
        }
    }
}

/// A pipe that no program inherits by chance. Its writing end doesn't wait, and takes this many bytes where the system
/// allows that.
static inline int moose_pipe(int ends[2], int size) {
    if (pipe(ends) != 0) return -1;
    for (int i = 0; i < 2; i++) (void)fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    (void)fcntl(ends[1], F_SETFL, O_NONBLOCK);
    (void)fcntl(ends[1], 1031 /* F_SETPIPE_SZ, which headers hide */, size);
    return 0;
}

static volatile int moose_signal_pipe = -1;

static inline void moose_note_signal(int number) {
    int saved = errno;
    unsigned char byte = (unsigned char)number;
    // Full: dozens of signals wait to be answered already.
    ssize_t count = write(moose_signal_pipe, &byte, 1);
    (void)count;
    errno = saved;
}

/// From now on each of these signals is a byte in a pipe, whichever thread it meets: libraries have threads that wait with
/// nothing blocked. Returns the pipe's reading end, or -1 with errno.
static inline int moose_catch_signals(const int *numbers, int count) {
    int ends[2];
    if (moose_pipe(ends, 4096) != 0) return -1;
    moose_signal_pipe = ends[1];
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = moose_note_signal;
    action.sa_flags = SA_RESTART;
    sigfillset(&action.sa_mask);
    // Whoever started this program may have had them blocked.
    sigset_t caught;
    sigemptyset(&caught);
    for (int i = 0; i < count; i++) {
        (void)sigaction(numbers[i], &action, 0);
        sigaddset(&caught, numbers[i]);
    }
    sigprocmask(SIG_UNBLOCK, &caught, 0);
    return ends[0];
}
#endif
