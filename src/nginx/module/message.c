/*
 * The bytes between nginx and http.js. A request is lines, which are the call's head,
 * and the body; an answer is a number of 4 bytes (little endian), that many bytes of
 * lines, and the body.
 *
 *     request   PHASE FACTS METHOD \n PATH \n ARGS \n PROTOCOL \n ADDRESS \n URI \n SERVER \n name: value \n ...
 *     answer    STATUS \n name: value \n ...
 *
 * The phase is a letter, a for access and c for content; u is for content whose body is not
 * buffered: a number for it (8 bytes, 0: this is all of it) stands before what has come of it.
 *
 * The facts are struct facts as it lies in memory: most handlers don't look at them.
 *
 * An answer whose number has the highest bit set has a stream: instead of the body there
 * is a byte with the length of the stream's name, the name, and the body's first bytes.
 */
#include "node.h"

/* Of the connection; bytes only, so that it looks the same everywhere. http.js knows where its fields are. */
struct facts {
	uint8_t number[NODE_NUMBER], requests[NODE_NUMBER];
	uint8_t client_port[2], server_port[2]; /* the higher byte first; 0: there is none */
	uint8_t secure, family;                 /* of the server's address: 4, 6, 0 for others */
	uint8_t server_address[16];
};

u_char *node_number_put(u_char *to, uint64_t number)
{
	for (int i = 0; i < NODE_NUMBER; i++) {
		*to++ = (u_char)(number >> (8 * i));
	}
	return to;
}

static void *address_of(const struct sockaddr *name, uint8_t port[2], uint8_t *family)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)name;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)name;

	*family = name->sa_family == AF_INET ? 4 : name->sa_family == AF_INET6 ? 6 : 0;
	if (*family) {
		ngx_memcpy(port, *family == 4 ? &v4->sin_port : &v6->sin6_port, 2);
	}
	return *family == 4 ? (void *)&v4->sin_addr : *family == 6 ? (void *)&v6->sin6_addr : NULL;
}

static u_char *put_facts(u_char *to, ngx_http_request_t *r)
{
	ngx_connection_t *c = r->connection;
	struct facts facts = {.secure = 0};
	uint8_t family;
	void *address;

	node_number_put(facts.number, c->number);
	node_number_put(facts.requests, c->requests);
	address_of(c->sockaddr, facts.client_port, &family);
	/* Where nginx listens on every address it asks the system, once a connection. */
	if (ngx_connection_local_sockaddr(c, NULL, 0) == NGX_OK) {
		address = address_of(c->local_sockaddr, facts.server_port, &facts.family);
		if (address) {
			ngx_memcpy(facts.server_address, address, facts.family == 4 ? 4 : 16);
		}
	}
#if (NGX_HTTP_SSL)
	facts.secure = c->ssl != NULL;
#endif
	return ngx_cpymem(to, &facts, sizeof(facts));
}

static u_char *put_line(u_char *to, const ngx_str_t *text)
{
	to = text->len ? ngx_cpymem(to, text->data, text->len) : to; /* nothing may be at NULL */
	*to++ = '\n';
	return to;
}

size_t node_body_length(ngx_http_request_t *r)
{
	size_t length = 0;

	if (r->request_body) {
		for (ngx_chain_t *link = r->request_body->bufs; link; link = link->next) {
			length += (size_t)ngx_buf_size(link->buf);
		}
	}
	return length;
}

/* A buffer that only says where the body ends has none. */
static u_char *put_memory(u_char *to, const ngx_buf_t *b)
{
	return b->last > b->pos ? ngx_cpymem(to, b->pos, b->last - b->pos) : to;
}

void node_body_take(ngx_http_request_t *r, u_char *to)
{
	ngx_chain_t *link = r->request_body->bufs;

	r->request_body->bufs = NULL;
	while (link) {
		ngx_chain_t *taken = link;

		to = put_memory(to, link->buf);
		link->buf->pos = link->buf->last;
		link = link->next;
		ngx_free_chain(r->pool, taken);
	}
}

/* A body that nginx has put into a file is read from there. */
static u_char *put_body(u_char *to, ngx_http_request_t *r)
{
	if (!r->request_body) {
		return to;
	}
	for (ngx_chain_t *link = r->request_body->bufs; link; link = link->next) {
		ngx_buf_t *b = link->buf;

		if (ngx_buf_in_memory(b)) {
			to = put_memory(to, b);
		} else if (b->in_file) {
			size_t length = (size_t)(b->file_last - b->file_pos);

			if (ngx_read_file(b->file, to, length, b->file_pos) != (ssize_t)length) {
				return NULL;
			}
			to += length;
		}
	}
	return to;
}

u_char *node_message_of(ngx_http_request_t *r, node_phase_t phase, node_body_t *rest, size_t *head, size_t *length)
{
	ngx_http_core_srv_conf_t *server = ngx_http_get_module_srv_conf(r, ngx_http_core_module);
	const ngx_str_t *lines[] = {
	    &r->method_name,     &r->uri, &r->args, &r->http_protocol, &r->connection->addr_text, &r->unparsed_uri,
	    &server->server_name};
	enum { LINES = sizeof(lines) / sizeof(*lines) };
	ngx_list_part_t *part;
	ngx_table_elt_t *header;
	size_t size = 1 + sizeof(struct facts), body = node_body_length(r);
	u_char *bytes, *at;

	for (int i = 0; i < LINES; i++) {
		size += lines[i]->len + 1;
	}
	for (part = &r->headers_in.headers.part; part; part = part->next) {
		header = part->elts;
		for (ngx_uint_t i = 0; i < part->nelts; i++) {
			size += header[i].key.len + header[i].value.len + 3;
		}
	}
	*head = size;
	*length = body + (phase == NODE_UNBUFFERED ? NODE_NUMBER : 0);
	bytes = malloc(size + *length + 1);
	if (!bytes) {
		return NULL;
	}
	at = bytes;
	*at++ = (u_char)phase;
	at = put_facts(at, r);
	for (int i = 0; i < LINES; i++) {
		at = put_line(at, lines[i]);
	}
	for (part = &r->headers_in.headers.part; part; part = part->next) {
		header = part->elts;
		for (ngx_uint_t i = 0; i < part->nelts; i++) {
			at = ngx_cpymem(at, header[i].key.data, header[i].key.len);
			*at++ = ':';
			*at++ = ' ';
			at = put_line(at, &header[i].value);
		}
	}
	if (phase == NODE_UNBUFFERED) {
		at = node_number_put(at, rest ? node_body_number(rest) : 0);
	}
	if (rest) {
		node_body_take(r, at);
	} else if (!put_body(at, r)) {
		free(bytes);
		return NULL;
	}
	return bytes;
}

/* --- answers ------------------------------------------------------------------------------ */

static ngx_int_t put_header(ngx_http_request_t *r, ngx_str_t name, ngx_str_t value)
{
	ngx_table_elt_t *header;

	value.data = ngx_pstrdup(r->pool, &value);
	name.data = ngx_pstrdup(r->pool, &name);
	if (!name.data || !value.data) {
		return NGX_ERROR;
	}
	if (name.len == 12 && ngx_strncasecmp(name.data, (u_char *)"content-type", 12) == 0) {
		r->headers_out.content_type = value;
		r->headers_out.content_type_len = value.len;
		return NGX_OK;
	}
	if (name.len == 14 && ngx_strncasecmp(name.data, (u_char *)"content-length", 14) == 0) {
		r->headers_out.content_length_n = ngx_atoof(value.data, value.len);
		return r->headers_out.content_length_n < 0 ? NGX_ERROR : NGX_OK;
	}
	header = ngx_list_push(&r->headers_out.headers);
	if (!header) {
		return NGX_ERROR;
	}
	ngx_memzero(header, sizeof(*header));
	header->hash = 1;
	header->key = name;
	header->value = value;
	if (name.len == 8 && ngx_strncasecmp(name.data, (u_char *)"location", 8) == 0) {
		r->headers_out.location = header;
	}
	return NGX_OK;
}

/* Of the lines; false: the bytes are none of http.js's. */
static int head_length(const char *answer, size_t length, size_t *size)
{
	const u_char *bytes = (const u_char *)answer;

	if (length < 4) {
		return 0;
	}
	*size = bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16 | (size_t)(bytes[3] & 0x7f) << 24;
	return *size <= length - 4;
}

int node_message_body(const char *answer, size_t length, size_t *body)
{
	size_t size;

	if (!head_length(answer, length, &size)) {
		return 0;
	}
	*body = 4 + size;
	return 1;
}

int node_message_is_stream(const char *answer, size_t length)
{
	return length >= 4 && ((u_char)answer[3] & 0x80);
}

ngx_int_t node_message_head(ngx_http_request_t *r, const char *answer, size_t length, size_t *body)
{
	u_char *at, *end;
	size_t size;
	ngx_int_t status;

	if (!head_length(answer, length, &size)) {
		return NGX_ERROR;
	}
	at = (u_char *)answer + 4;
	end = at + size;
	*body = 4 + size;
	for (int line = 0; at < end; line++) {
		u_char *stop = ngx_strlchr(at, end, '\n'), *colon;

		if (!stop) {
			return NGX_ERROR;
		}
		colon = ngx_strlchr(at, stop, ':');
		if (line == 0) {
			status = ngx_atoi(at, stop - at);
			if (status < 100 || status > 999) {
				return NGX_ERROR;
			}
			r->headers_out.status = (ngx_uint_t)status;
		} else if (!colon || colon + 2 > stop ||
			   put_header(r, (ngx_str_t){(size_t)(colon - at), at},
				      (ngx_str_t){(size_t)(stop - colon - 2), colon + 2}) != NGX_OK) {
			return NGX_ERROR;
		}
		at = stop + 1;
	}
	return NGX_OK;
}
