// Makes a program believe that it may run on 64 processors. It is loaded before the C library.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sched.h>
#include <unistd.h>

enum { PROCESSORS = 64 };

int sched_getaffinity(pid_t process, size_t size, cpu_set_t *set) {
    (void)process;
    CPU_ZERO_S(size, set);
    for (int number = 0; number < PROCESSORS; ++number) {
        CPU_SET_S(number, size, set);
    }
    return 0;
}

long sysconf(int name) {
    static long (*real)(int);
    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "sysconf");
    }
    return name == _SC_NPROCESSORS_ONLN || name == _SC_NPROCESSORS_CONF ? PROCESSORS : real(name);
}
