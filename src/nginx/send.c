/*
 * Answers that become a response without having been a Lua string: nginx sends the
 * bytes that the runtime made. The lua module ends the response, as it does after
 * ngx.print.
 */
#define _GNU_SOURCE /* nginx's headers, which come later, count on it */
#include "worker.h"

#include <ngx_http.h>

static void free_bytes(void *data)
{
	free(data);
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
