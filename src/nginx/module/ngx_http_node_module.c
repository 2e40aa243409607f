#include "node.h"

#include <nginx.h>

typedef struct {
	ngx_array_t runtimes; /* of node_runtime_t *: every module that a configuration names */
} node_main_conf_t;

typedef struct {
	ngx_str_t folder, program;
	ngx_uint_t mode;
	ngx_int_t threads;
	ngx_msec_t timeout, watchdog;
	ngx_flag_t buffering; /* of bodies of requests */
	ngx_str_t content_name, content_config, access_name, access_config;
	node_runtime_t *content, *access;
} node_loc_conf_t;

static ngx_int_t access_handler(ngx_http_request_t *r);
static ngx_int_t content_handler(ngx_http_request_t *r);
extern ngx_module_t ngx_http_node_module;

/* --- answers ------------------------------------------------------------------------------ */

static void free_bytes(void *data)
{
	free(data);
}

static ngx_int_t failure_status(ngx_int_t code)
{
	return code == BIFFI_ESTOPPED ? NGX_HTTP_BAD_GATEWAY : NGX_HTTP_INTERNAL_SERVER_ERROR;
}

node_exchange_t *node_exchange_of(ngx_http_request_t *r)
{
	node_exchange_t *exchange = ngx_http_get_module_ctx(r, ngx_http_node_module);

	if (!exchange) {
		exchange = ngx_pcalloc(r->pool, sizeof(*exchange));
		ngx_http_set_ctx(r, exchange, ngx_http_node_module);
	}
	return exchange;
}

static ngx_int_t send_stream(ngx_http_request_t *r, node_call_t *call)
{
	node_loc_conf_t *conf = ngx_http_get_module_loc_conf(r, ngx_http_node_module);
	size_t body;

	/* The head is not sent before: a failure here is an answer of its own. */
	if (node_message_head(r, call->answer, call->length, &body) != NGX_OK) {
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	}
	return node_stream_start(r, call, conf->timeout, body);
}

/* The answer becomes the response; its bytes go with the request. */
static ngx_int_t send_answer(ngx_http_request_t *r, node_call_t *call)
{
	ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(r->pool, 0);
	ngx_chain_t out;
	ngx_buf_t *b;
	size_t body;
	ngx_int_t rc;

	if (!cleanup) {
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	}
	cleanup->handler = free_bytes;
	cleanup->data = call->answer;
	if (!call->answer || node_message_head(r, call->answer, call->length, &body) != NGX_OK) {
		call->answer = NULL;
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	}
	r->headers_out.content_length_n = (off_t)(call->length - body);
	rc = ngx_http_send_header(r);
	if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
		call->answer = NULL;
		return rc;
	}
	b = ngx_calloc_buf(r->pool);
	if (!b) {
		call->answer = NULL;
		return NGX_ERROR;
	}
	b->pos = (u_char *)call->answer + body;
	b->last = (u_char *)call->answer + call->length;
	b->memory = b->last > b->pos;
	b->last_buf = r == r->main;
	b->last_in_chain = 1;
	call->answer = NULL;
	out = (ngx_chain_t){b, NULL};
	return ngx_http_output_filter(r, &out);
}

/* What the phase makes of an answer: its return code. */
static ngx_int_t conclude(ngx_http_request_t *r, node_call_t *call)
{
	node_exchange_t *exchange = ngx_http_get_module_ctx(r, ngx_http_node_module);
	int streams = call->code == 0 && call->answer && node_message_is_stream(call->answer, call->length);

	if (exchange && exchange->body && !streams) {
		node_body_stop(exchange->body);
		if (r->reading_body) {
			r->keepalive = 0; /* what is left unread ends the connection */
		}
	}
	if (call->code != 0) {
		ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "node: %V: %*s", &call->runtime->name, call->length,
			      call->answer ? call->answer : "");
		return failure_status(call->code);
	}
	if (call->access && !call->answer) {
		return NGX_OK; /* let in */
	}
	return streams ? send_stream(r, call) : send_answer(r, call);
}

/* An answer that nobody takes. */
static void drop_answer(node_call_t *call)
{
	size_t body;

	if (call->code == 0 && call->answer && node_message_is_stream(call->answer, call->length) &&
	    node_message_body(call->answer, call->length, &body)) {
		node_stream_release(call->runtime, call->id, call->answer, body, call->length);
	} else {
		free(call->answer);
	}
	call->answer = NULL;
}

static void call_free(node_call_t *call)
{
	if (call->timeout.timer_set) {
		ngx_del_timer(&call->timeout);
	}
	if (call->due) {
		node_turn_remove(call);
	}
	drop_answer(call);
	free(call->bytes);
	free(call);
}

/* The request has ended while the call was under way. */
static void on_request_end(void *data)
{
	node_call_t *call = data;

	if (call->timeout.timer_set) {
		ngx_del_timer(&call->timeout);
	}
	call->request = NULL;
	if (!call->answered) {
		call->runtime->counts.aborts++;
	}
	if (call->starting) {
		return; /* whoever starts it sees it */
	}
	if (call->answered || call->due) {
		call_free(call);
	} else {
		node_runtime_abort(call->runtime, call->id);
	}
}

static void resume(node_call_t *call)
{
	ngx_http_request_t *r = call->request;
	ngx_connection_t *c = r->connection;
	ngx_int_t rc;

	if (call->access) {
		/* The phase asks again and finds the answer. */
		r->write_event_handler = ngx_http_core_run_phases;
		ngx_http_core_run_phases(r);
	} else {
		rc = conclude(r, call);
		if (rc != NODE_GOES_ON) {
			ngx_http_finalize_request(r, rc);
		}
	}
	ngx_http_run_posted_requests(c);
}

static void on_done(void *data, int code, char *bytes, size_t length)
{
	node_call_t *call = data;

	node_runtime_answered(call);
	node_counts_answer(&call->runtime->counts, call->started, code);
	call->answered = 1;
	call->code = code;
	call->answer = bytes;
	call->length = length;
	if (call->timeout.timer_set) {
		ngx_del_timer(&call->timeout);
	}
	if (call->starting) {
		return;
	}
	if (call->request) {
		resume(call);
	} else {
		call_free(call);
	}
}

static void start(node_call_t *call)
{
	call->starting = 1;
	node_runtime_call(call->runtime, call, on_done);
	call->starting = 0;
	if (call->request && !call->answered) {
		ngx_add_timer(&call->timeout, call->wait);
	}
}

/* At the end of nginx's turn, inline. JavaScript may end the request, by what else it answers. */
static void start_due(node_call_t *call)
{
	start(call);
	if (call->request && call->answered) {
		node_turn_answered(call);
	} else if (call->answered) {
		call_free(call);
	} else if (!call->request) {
		node_runtime_abort(call->runtime, call->id);
	}
}

static void on_timeout(ngx_event_t *event)
{
	node_call_t *call = event->data;
	ngx_http_request_t *r = call->request;
	ngx_connection_t *c = r->connection;

	call->runtime->counts.timeouts++;
	ngx_log_error(NGX_LOG_ERR, c->log, 0, "node: %V did not answer in time", &call->runtime->name);
	ngx_http_finalize_request(r, NGX_HTTP_GATEWAY_TIME_OUT);
	ngx_http_run_posted_requests(c);
}

/* --- phases ------------------------------------------------------------------------------- */

/* NULL: it could not be started. */
static node_call_t *call_start(ngx_http_request_t *r, node_runtime_t *runtime, int access)
{
	node_loc_conf_t *conf = ngx_http_get_module_loc_conf(r, ngx_http_node_module);
	ngx_http_cleanup_t *cleanup = ngx_http_cleanup_add(r, 0);
	node_call_t *call = calloc(1, sizeof(*call));
	node_body_t *rest;

	if (!cleanup || !call || node_runtime_ready(runtime, r->connection->log) != NGX_OK) {
		free(call);
		return NULL;
	}
	rest = !access && r->reading_body ? node_body_new(r, runtime) : NULL;
	if (access || !r->reading_body || rest) {
		call->bytes = node_message_of(r,
					      access            ? NODE_ACCESS
					      : conf->buffering ? NODE_CONTENT
								: NODE_UNBUFFERED,
					      rest, &call->head, &call->body);
	}
	if (!call->bytes) {
		free(call);
		return NULL;
	}
	call->request = r;
	call->runtime = runtime;
	call->access = access;
	call->wait = conf->timeout ? conf->timeout : NODE_NO_LIMIT;
	call->timeout.handler = on_timeout;
	call->timeout.data = call;
	call->timeout.log = r->connection->log;
	ngx_cpystrn((u_char *)call->method, r->method_name.data, ngx_min(sizeof(call->method), r->method_name.len + 1));
	cleanup->handler = on_request_end;
	cleanup->data = call;
	if (runtime->mode == BIFFI_INLINE && !rest) {
		node_turn_add(call, start_due, resume);
	} else {
		start(call);
	}
	return call;
}

static void content_start(ngx_http_request_t *r)
{
	node_loc_conf_t *conf = ngx_http_get_module_loc_conf(r, ngx_http_node_module);
	int reading = r->reading_body; /* then content_handler waits for this function, and the request stays */
	node_call_t *call = call_start(r, conf->content, 0);
	node_exchange_t *exchange;
	uint64_t id;
	ngx_int_t rc;

	if (!call) {
		ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
		return;
	}
	id = call->id;
	r->read_event_handler = ngx_http_test_reading; /* notices a client that leaves */
	if (call->answered) {
		rc = conclude(r, call);
		if (rc != NODE_GOES_ON) {
			ngx_http_finalize_request(r, rc);
			return;
		}
	}
	exchange = reading ? ngx_http_get_module_ctx(r, ngx_http_node_module) : NULL;
	if (exchange && exchange->body) {
		node_body_start(exchange->body, id);
	}
}

static ngx_int_t content_handler(ngx_http_request_t *r)
{
	node_loc_conf_t *conf = ngx_http_get_module_loc_conf(r, ngx_http_node_module);
	ngx_int_t rc;

	r->request_body_no_buffering = !conf->buffering;
	rc = ngx_http_read_client_request_body(r, content_start);
	return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}

static ngx_int_t metrics_handler(ngx_http_request_t *r)
{
	node_main_conf_t *all = ngx_http_get_module_main_conf(r, ngx_http_node_module);

	return node_metrics_send(r, &all->runtimes);
}

static char *set_metrics(ngx_conf_t *cf, ngx_command_t *command, void *data)
{
	ngx_http_core_loc_conf_t *core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

	(void)command;
	(void)data;
	core->handler = metrics_handler;
	return NGX_CONF_OK;
}

static ngx_int_t access_handler(ngx_http_request_t *r)
{
	node_loc_conf_t *conf = ngx_http_get_module_loc_conf(r, ngx_http_node_module);
	node_exchange_t *exchange;
	node_call_t *call;
	ngx_int_t rc;

	if (!conf->access || r != r->main) {
		return NGX_DECLINED;
	}
	exchange = node_exchange_of(r);
	if (!exchange) {
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	}
	call = exchange->access;
	if (!call) {
		call = exchange->access = call_start(r, conf->access, 1);
		if (!call) {
			return NGX_HTTP_INTERNAL_SERVER_ERROR;
		}
	}
	if (!call->answered) {
		r->read_event_handler = ngx_http_test_reading;
		return NGX_AGAIN;
	}
	r->read_event_handler = ngx_http_block_reading;
	if (call->code != 0 || !call->answer) {
		return conclude(r, call);
	}
	rc = ngx_http_discard_request_body(r);
	if (rc == NGX_OK) {
		rc = conclude(r, call);
	}
	if (rc != NODE_GOES_ON) {
		ngx_http_finalize_request(r, rc);
	}
	return NGX_DONE;
}

/* --- configuration ------------------------------------------------------------------------- */

static void *create_main_conf(ngx_conf_t *cf)
{
	node_main_conf_t *conf = ngx_pcalloc(cf->pool, sizeof(*conf));

	return conf && ngx_array_init(&conf->runtimes, cf->pool, 4, sizeof(node_runtime_t *)) == NGX_OK ? conf : NULL;
}

static void *create_loc_conf(ngx_conf_t *cf)
{
	node_loc_conf_t *conf = ngx_pcalloc(cf->pool, sizeof(*conf));

	if (conf) {
		conf->mode = NGX_CONF_UNSET_UINT;
		conf->threads = NGX_CONF_UNSET;
		conf->timeout = conf->watchdog = NGX_CONF_UNSET_MSEC;
		conf->buffering = NGX_CONF_UNSET;
	}
	return conf;
}

static int same(const ngx_str_t *a, const ngx_str_t *b)
{
	return a->len == b->len && (a->len == 0 || ngx_strncmp(a->data, b->data, a->len) == 0);
}

/* A copy with a NUL behind it. */
static ngx_int_t copy(ngx_conf_t *cf, ngx_str_t *to, const ngx_str_t *from)
{
	to->len = from->len;
	to->data = ngx_pnalloc(cf->pool, from->len + 1);
	if (!to->data) {
		return NGX_ERROR;
	}
	ngx_cpystrn(to->data, from->data ? from->data : (u_char *)"", from->len + 1);
	return NGX_OK;
}

/* The runtime of a directive: one that is there, or a new one. NULL: out of memory. */
static node_runtime_t *find_runtime(ngx_conf_t *cf, const node_loc_conf_t *conf, const ngx_str_t *name,
				    const ngx_str_t *config)
{
	node_main_conf_t *all = ngx_http_conf_get_module_main_conf(cf, ngx_http_node_module);
	node_runtime_t **known = all->runtimes.elts, *runtime;

	for (ngx_uint_t i = 0; i < all->runtimes.nelts; i++) {
		runtime = known[i];
		if (same(&runtime->name, name) && same(&runtime->config, config) &&
		    same(&runtime->folder, &conf->folder) && same(&runtime->program, &conf->program) &&
		    runtime->mode == conf->mode && runtime->threads == conf->threads &&
		    runtime->watchdog == conf->watchdog) {
			return runtime;
		}
	}
	runtime = ngx_pcalloc(cf->pool, sizeof(*runtime));
	known = ngx_array_push(&all->runtimes);
	if (!runtime || !known || copy(cf, &runtime->name, name) != NGX_OK ||
	    copy(cf, &runtime->config, config) != NGX_OK || copy(cf, &runtime->folder, &conf->folder) != NGX_OK ||
	    copy(cf, &runtime->program, &conf->program) != NGX_OK) {
		return NULL;
	}
	runtime->mode = conf->mode;
	runtime->threads = conf->threads;
	runtime->watchdog = conf->watchdog;
	*known = runtime;
	return runtime;
}

static char *merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
	node_loc_conf_t *outer = parent, *conf = child;

	ngx_conf_merge_str_value(conf->folder, outer->folder, "");
	if (conf->folder.len == 0) {
		conf->folder = cf->cycle->prefix;
	}
	ngx_conf_merge_str_value(conf->program, outer->program, "");
	ngx_conf_merge_uint_value(conf->mode, outer->mode, BIFFI_THREAD);
	ngx_conf_merge_value(conf->threads, outer->threads, 1);
	ngx_conf_merge_msec_value(conf->timeout, outer->timeout, 60000);
	ngx_conf_merge_msec_value(conf->watchdog, outer->watchdog, 0);
	ngx_conf_merge_value(conf->buffering, outer->buffering, 1);
	if (conf->access_name.len == 0) {
		conf->access_name = outer->access_name;
		conf->access_config = outer->access_config;
	}
	if (conf->content_name.len) {
		conf->content = find_runtime(cf, conf, &conf->content_name, &conf->content_config);
	}
	if (conf->access_name.len) {
		conf->access = find_runtime(cf, conf, &conf->access_name, &conf->access_config);
	}
	return (conf->content_name.len && !conf->content) || (conf->access_name.len && !conf->access) ? NGX_CONF_ERROR
												      : NGX_CONF_OK;
}

/* node_content MODULE[#EXPORT] [CONFIGURATION], and node_access likewise. */
static char *set_handler(ngx_conf_t *cf, ngx_command_t *command, void *data)
{
	node_loc_conf_t *conf = data;
	ngx_str_t *words = cf->args->elts;
	int content = words[0].len == sizeof("node_content") - 1;
	ngx_str_t *name = content ? &conf->content_name : &conf->access_name;

	(void)command;
	if (name->len) {
		return "is duplicate";
	}
	if (words[1].len == 0) {
		return "names no module";
	}
	*name = words[1];
	if (cf->args->nelts > 2) {
		*(content ? &conf->content_config : &conf->access_config) = words[2];
	}
	if (content) {
		ngx_http_core_loc_conf_t *core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

		core->handler = content_handler;
	}
	return NGX_CONF_OK;
}

static ngx_int_t init(ngx_conf_t *cf)
{
	ngx_http_core_main_conf_t *core = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
	ngx_http_handler_pt *handler = ngx_array_push(&core->phases[NGX_HTTP_ACCESS_PHASE].handlers);

	if (!handler) {
		return NGX_ERROR;
	}
	*handler = access_handler;
	return NGX_OK;
}

static void exit_process(ngx_cycle_t *cycle)
{
	(void)cycle;
	node_runtimes_end();
}

static ngx_conf_enum_t modes[] = {{ngx_string("thread"), BIFFI_THREAD},
				  {ngx_string("inline"), BIFFI_INLINE},
				  {ngx_string("process"), BIFFI_PROCESS},
				  {ngx_null_string, 0}};

#define EVERYWHERE (NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF)

static ngx_command_t commands[] = {
    {ngx_string("node_content"), NGX_HTTP_LOC_CONF | NGX_CONF_TAKE12, set_handler, NGX_HTTP_LOC_CONF_OFFSET, 0, NULL},
    {ngx_string("node_access"), EVERYWHERE | NGX_CONF_TAKE12, set_handler, NGX_HTTP_LOC_CONF_OFFSET, 0, NULL},
    {ngx_string("node_metrics"), NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS, set_metrics, NGX_HTTP_LOC_CONF_OFFSET, 0, NULL},
    {ngx_string("node_mode"), EVERYWHERE | NGX_CONF_TAKE1, ngx_conf_set_enum_slot, NGX_HTTP_LOC_CONF_OFFSET,
     offsetof(node_loc_conf_t, mode), modes},
    {ngx_string("node_threads"), EVERYWHERE | NGX_CONF_TAKE1, ngx_conf_set_num_slot, NGX_HTTP_LOC_CONF_OFFSET,
     offsetof(node_loc_conf_t, threads), NULL},
    {ngx_string("node_folder"), EVERYWHERE | NGX_CONF_TAKE1, ngx_conf_set_str_slot, NGX_HTTP_LOC_CONF_OFFSET,
     offsetof(node_loc_conf_t, folder), NULL},
    {ngx_string("node_program"), EVERYWHERE | NGX_CONF_TAKE1, ngx_conf_set_str_slot, NGX_HTTP_LOC_CONF_OFFSET,
     offsetof(node_loc_conf_t, program), NULL},
    {ngx_string("node_timeout"), EVERYWHERE | NGX_CONF_TAKE1, ngx_conf_set_msec_slot, NGX_HTTP_LOC_CONF_OFFSET,
     offsetof(node_loc_conf_t, timeout), NULL},
    {ngx_string("node_watchdog"), EVERYWHERE | NGX_CONF_TAKE1, ngx_conf_set_msec_slot, NGX_HTTP_LOC_CONF_OFFSET,
     offsetof(node_loc_conf_t, watchdog), NULL},
    {ngx_string("node_request_buffering"), EVERYWHERE | NGX_CONF_FLAG, ngx_conf_set_flag_slot, NGX_HTTP_LOC_CONF_OFFSET,
     offsetof(node_loc_conf_t, buffering), NULL},
    ngx_null_command};

static ngx_http_module_t context = {NULL, init, create_main_conf, NULL, NULL, NULL, create_loc_conf, merge_loc_conf};

#define PUBLIC __attribute__((visibility("default")))

PUBLIC ngx_module_t ngx_http_node_module = {NGX_MODULE_V1, &context,     commands, NGX_HTTP_MODULE,
					    NULL,          NULL,         NULL,     NULL,
					    NULL,          exit_process, NULL,     NGX_MODULE_V1_PADDING};

/* What nginx looks for in the file of a module. */
PUBLIC ngx_module_t *ngx_modules[] = {&ngx_http_node_module, NULL};
PUBLIC char *ngx_module_names[] = {(char *)"ngx_http_node_module", NULL};
PUBLIC char *ngx_module_order[] = {NULL};
