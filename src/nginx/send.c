/*
 * Answers that become a response without having been a Lua string: nginx sends the
 * bytes that the runtime made. The lua module ends the response, as it does after
 * ngx.print.
 */
#define _GNU_SOURCE /* nginx's headers, which come later, count on it */
#include "worker.h"

#include <ngx_event.h>
#include <ngx_http.h>

/* A connection whose response waits for the end of nginx's turn; its request's memory. */
struct held {
	ngx_queue_t link;
	ngx_http_request_t *r;
	bool waits; /* is in the queue */
};

static ngx_queue_t held;
static ngx_event_t turn_event;

static void free_bytes(void *data)
{
	free(data);
}

static ngx_event_t *release(struct held *one)
{
	ngx_event_t *write = one->r->connection->write;

	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): the one behind it is not itself */
	ngx_queue_remove(&one->link);
	one->waits = false;
	write->delayed = 0;
	return write;
}

static void on_request_end(void *data)
{
	struct held *one = data;

	if (one->waits) {
		release(one);
	}
}

static void on_turn_end(ngx_event_t *event)
{
	(void)event;
	while (!ngx_queue_empty(&held)) {
		struct held *one = ngx_queue_data(ngx_queue_head(&held), struct held, link);
		ngx_event_t *write = release(one);

		if (one->r->buffered || one->r->connection->buffered) {
			write->handler(write);
		}
	}
}

/*
 * What an inline call has answered: nginx keeps it, as for limit_rate, until its turn ends. Sent
 * between reading and JavaScript it would evict both from the processor's caches, and each
 * response would wake its client: 2 to 19 % fewer requests/s at 64 connections.
 */
static void hold(ngx_http_request_t *r)
{
	ngx_pool_cleanup_t *cleanup;
	struct held *one;

	if (r != r->main || r->connection->write->delayed) {
		return;
	}
	cleanup = ngx_pool_cleanup_add(r->pool, sizeof(*one));
	if (!cleanup) {
		return;
	}
	if (!turn_event.handler) {
		ngx_queue_init(&held);
		turn_event.handler = on_turn_end;
	}
	one = cleanup->data;
	one->r = r;
	one->waits = true;
	cleanup->handler = on_request_end;
	ngx_queue_insert_tail(&held, &one->link);
	r->connection->write->delayed = 1;
	turn_event.log = ngx_cycle->log;
	ngx_post_event(&turn_event, &ngx_posted_events);
}

static ngx_int_t send_head(ngx_http_request_t *r, size_t length)
{
	if (r->headers_out.status == 0) {
		r->headers_out.status = NGX_HTTP_OK;
	}
	if (r->headers_out.content_type.len == 0 && ngx_http_set_content_type(r) != NGX_OK) {
		return NGX_ERROR;
	}
	ngx_http_clear_content_length(r);
	ngx_http_clear_accept_ranges(r);
	r->headers_out.content_length_n = (off_t)length;
	return ngx_http_send_header(r);
}

/*
 * Sends what the task was answered; its bytes are the request's then. Where the head
 * is not sent yet the answer is the whole body, and its length is in the head.
 * NGX_DECLINED: the lua module collects what it prints to HTTP/1.0, and has to print
 * this as well.
 */
RESTY_FFI_API int resty_ffi_task_send(rf_task *task, ngx_http_request_t *r)
{
	ngx_pool_cleanup_t *cleanup;
	ngx_chain_t out;
	ngx_buf_t *b;
	ngx_int_t rc;

	if (!r->header_sent) {
		if (r->http_version < NGX_HTTP_VERSION_11) {
			return NGX_DECLINED;
		}
		if (task->at_once) {
			hold(r);
		}
		rc = send_head(r, task->rsp_len);
		if (rc == NGX_ERROR || rc > NGX_OK) {
			return NGX_ERROR;
		}
	}
	if (r->header_only || task->rsp_len == 0) {
		return NGX_OK;
	}
	cleanup = ngx_pool_cleanup_add(r->pool, 0);
	b = ngx_calloc_buf(r->pool);
	if (!cleanup || !b) {
		return NGX_ERROR;
	}
	cleanup->handler = free_bytes;
	cleanup->data = task->rsp;
	b->pos = (u_char *)task->rsp;
	b->last = b->pos + task->rsp_len;
	b->memory = 1;
	task->rsp = NULL;
	out = (ngx_chain_t){b, NULL};
	return ngx_http_output_filter(r, &out) == NGX_ERROR ? NGX_ERROR : NGX_OK;
}
