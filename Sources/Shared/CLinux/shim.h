// What Glibc's Swift overlay leaves out: eventfd(2), and naming and signal-masking of threads.
#ifndef MOOSE_CLINUX_SHIM_H
#define MOOSE_CLINUX_SHIM_H
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

static inline int moose_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

/// Names the calling thread (15 bytes at most) and blocks every signal on it, so that the
/// process's own signal handling decides, never an I/O thread.
static inline void moose_prepare_thread(const char *name) {
    pthread_setname_np(pthread_self(), name);
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, 0);
}
#endif
