/* The libuv loop underneath; for loop/ and net/ only. */
#ifndef LOOP_UV_H
#define LOOP_UV_H

#include <uv.h>

struct loop;

uv_loop_t *loop_uv(struct loop *);

/* uv_thread_create, for a thread that gets no signals. */
int loop_start_thread(uv_thread_t *out, void (*run)(void *), void *arg);

#endif
