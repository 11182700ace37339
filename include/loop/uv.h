/* The libuv loop underneath; for loop/ and net/ only. */
#ifndef LOOP_UV_H
#define LOOP_UV_H

#include <uv.h>

struct loop;

uv_loop_t *loop_uv(struct loop *);

#endif
