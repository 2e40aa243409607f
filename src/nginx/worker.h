/*
 * What the core has once in each nginx worker: the eventfd that other threads
 * wake nginx with, the tasks, and the end.
 */
#ifndef RF_WORKER_H
#define RF_WORKER_H

#include "task.h"

#include <ngx_config.h>

#include <ngx_core.h>

/* Puts a queue on the list of those that are finished when the worker ends. */
void rf_worker_add(rf_queue *queue);

/* The tasks' part of the worker's end: nothing waits any more. */
void rf_tasks_end(void);

/* The log of the request whose task has the mark, or is being posted; the worker's where that is not known. */
ngx_log_t *rf_task_log(uint64_t mark);

/* lua module: what lua-resty-core's semaphores are made of, exported by all of its versions. */
typedef struct ngx_http_lua_sema_s ngx_http_lua_sema_t;
int ngx_http_lua_ffi_sema_new(ngx_http_lua_sema_t **semaphore, int count, char **message);
int ngx_http_lua_ffi_sema_post(ngx_http_lua_sema_t *semaphore, int count);
int ngx_http_lua_ffi_sema_count(ngx_http_lua_sema_t *semaphore);
void ngx_http_lua_ffi_sema_gc(ngx_http_lua_sema_t *semaphore);

#endif
