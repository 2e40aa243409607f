# biffi: see README.md. `make help` lists the targets.
#
# Everything that is made lies under build/: obj/ for objects (each room's files
# apart), the libraries on top, asan/ the same tree again under ASan and UBSan.

MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.SUFFIXES:

B := build
A := build/asan
ARCH := $(shell uname -m)
MULTIARCH := $(shell gcc -print-multiarch 2>/dev/null)
PREFIX ?= /usr/local

CC := gcc
CXX := g++
OPT ?= -O2 -g
WARN := -Wall -Wextra -Werror
BASE := $(OPT) $(WARN) -fPIC -fvisibility=hidden -MMD -MP
CFLAGS_ALL := -std=gnu11 $(BASE) $(CFLAGS)
CXXFLAGS_ALL := -std=gnu++17 $(BASE) $(CXXFLAGS)
SANITIZE := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined

# --- what the rooms are built against ---------------------------------------------

LIBFFI_PIC := $(or $(wildcard $(shell pkg-config --variable=libdir libffi 2>/dev/null)/libffi_pic.a), \
		/usr/lib/$(MULTIARCH)/libffi_pic.a)
NODE_API := node_modules/node-api-headers/include

# libnode: the distribution's development package, or the private copy that
# scripts/install unpacks where that package can't be installed.
-include .deps/libnode.mk
LIBNODE_CFLAGS ?= -isystem /usr/include/nodejs/src -isystem /usr/include/nodejs/deps/v8/include
LIBNODE_LIBS ?= -lnode -luv

NGINX_SRC ?= /usr/share/nginx/src
NGINX_CFLAGS = -I$(B)/nginx/objs $(addprefix -isystem $(NGINX_SRC)/src/,core event event/modules os/unix http \
		http/modules http/v2) $(shell pkg-config --cflags luajit 2>/dev/null)

CFLAGS_ctype :=
CFLAGS_call := $(shell pkg-config --cflags libffi 2>/dev/null)
CFLAGS_node := -isystem $(NODE_API) -DNAPI_VERSION=8
CFLAGS_host = -Iinclude $(LIBNODE_CFLAGS)
CFLAGS_nginx = -Iinclude $(NGINX_CFLAGS)

# --- files ------------------------------------------------------------------------

src = $(wildcard src/$1/*.c src/$1/*.cc)
obj = $(patsubst src/%,$(B)/obj/%.o,$(call src,$1))
asan = $(patsubst src/%,$(A)/obj/%.o,$(call src,$1))

FIXTURES := $(patsubst test/fixtures/%.c,$(B)/fixtures/%.so,$(wildcard test/fixtures/*.c))
# host: files named ffi_nodejs* are the runtime that nginx loads, the rest is libbiffi.
HOST_NGINX_OBJ := $(filter $(B)/obj/host/ffi_nodejs%,$(call obj,host))
HOST_OBJ := $(filter-out $(HOST_NGINX_OBJ),$(call obj,host))

# A library is made once its room has a file.
LIBRARIES := $(if $(call src,node),$(B)/biffi.node) $(if $(HOST_OBJ),$(B)/libbiffi.so) \
	$(if $(HOST_NGINX_OBJ),$(B)/libffi_nodejs.so) $(if $(call src,nginx),$(B)/libresty_ffi.so)

CTESTS := $(patsubst test/%.test.c,$(B)/test/%.test,$(wildcard test/ctype/*.test.c test/call/*.test.c test/host/*.test.c))
ASAN_CTESTS := $(patsubst $(B)/%,$(A)/%,$(filter $(B)/test/ctype/% $(B)/test/call/%,$(CTESTS)))

# --- targets ----------------------------------------------------------------------

.PHONY: all addon fixtures ctests asan deps help clean install pack demo run bench bench-nginx lint format
.PHONY: test test-all test-ctype test-call test-lib test-nginx test-host test-compat test-asan test-nodes

all: $(LIBRARIES) fixtures
addon: $(B)/biffi.node
fixtures: $(FIXTURES)
ctests: $(CTESTS)
asan: $(ASAN_CTESTS) $(if $(call src,node),$(A)/biffi.node)

deps:
	@scripts/install

help:
	@sed -n 's/^#: //p' Makefile

# --- objects ----------------------------------------------------------------------

define room
$(B)/obj/$1/%.c.o: src/$1/%.c | $(ORDER_$1)
	@mkdir -p $$(@D)
	$(CC) $$(CFLAGS_ALL) $$(CFLAGS_$1) -c $$< -o $$@
$(B)/obj/$1/%.cc.o: src/$1/%.cc | $(ORDER_$1)
	@mkdir -p $$(@D)
	$(CXX) $$(CXXFLAGS_ALL) $$(CFLAGS_$1) -c $$< -o $$@
$(A)/obj/$1/%.c.o: src/$1/%.c | $(ORDER_$1)
	@mkdir -p $$(@D)
	$(CC) $$(CFLAGS_ALL) $(SANITIZE) $$(CFLAGS_$1) -c $$< -o $$@
endef
ORDER_node := $(NODE_API)
ORDER_nginx := $(B)/nginx/objs/ngx_auto_config.h
$(foreach r,ctype call node host nginx,$(eval $(call room,$r)))

$(NODE_API):
	scripts/install npm

# nginx's headers need what its configure finds out; it wants to write beside itself.
$(B)/nginx/objs/ngx_auto_config.h:
	@mkdir -p $(@D)
	@for f in auto src configure; do ln -sfn $(NGINX_SRC)/$$f $(B)/nginx/$$f; done
	cd $(B)/nginx && bash -c '. $(NGINX_SRC)/conf_flags && sh ./configure "$${NGX_CONF_FLAGS[@]}" >configure.log' \
		|| { tail -20 $(B)/nginx/configure.log; rm -f $@; exit 1; }

# --- libraries --------------------------------------------------------------------

# libffi's names stay inside, so that a process with another libffi keeps its own.
$(B)/biffi.node: $(call obj,node) $(call obj,call) $(call obj,ctype)
	$(CC) -shared -o $@ $^ $(LIBFFI_PIC) -Wl,--exclude-libs,ALL -Wl,-z,relro,-z,now -ldl -lm -lpthread $(LDFLAGS)
$(A)/biffi.node: $(call asan,node) $(call asan,call) $(call asan,ctype)
	$(CC) -shared $(SANITIZE) -o $@ $^ $(LIBFFI_PIC) -Wl,--exclude-libs,ALL -ldl -lm -lpthread $(LDFLAGS)

$(B)/libbiffi.so: $(HOST_OBJ)
	$(CXX) -shared -o $@ $^ $(LIBNODE_LIBS) -ldl -lpthread $(LDFLAGS)
$(B)/libffi_nodejs.so: $(HOST_NGINX_OBJ) $(B)/libbiffi.so
	$(CC) -shared -o $@ $(HOST_NGINX_OBJ) -L$(B) -lbiffi -Wl,-rpath,'$$ORIGIN' -lpthread $(LDFLAGS)
$(B)/libresty_ffi.so: $(call obj,nginx)
	$(CC) -shared -o $@ $^ -ldl -lpthread $(LDFLAGS)

# Compiled as any C library is: what it exports is visible.
$(B)/fixtures/%.so: test/fixtures/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(OPT) -Wall -Wextra -Werror -fPIC -shared -MMD -MP -MF $@.d -o $@ $< -lm -lpthread

# --- C tests ----------------------------------------------------------------------

TEST_LIBS := -lcmocka -ldl -lm -lpthread
$(B)/test/ctype/%.test: test/ctype/%.test.c $(call obj,ctype)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -MF $@.d -o $@ $^ $(TEST_LIBS)
$(B)/test/call/%.test: test/call/%.test.c $(call obj,call) $(call obj,ctype)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(CFLAGS_call) -MF $@.d -o $@ $^ $(LIBFFI_PIC) $(TEST_LIBS)
$(B)/test/host/%.test: test/host/%.test.c $(B)/libbiffi.so
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -Iinclude -MF $@.d -o $@ $< -L$(B) -lbiffi -Wl,-rpath,'$$ORIGIN/../..' $(TEST_LIBS)
$(A)/test/ctype/%.test: test/ctype/%.test.c $(call asan,ctype)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(SANITIZE) -MF $@.d -o $@ $^ $(TEST_LIBS)
$(A)/test/call/%.test: test/call/%.test.c $(call asan,call) $(call asan,ctype)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(SANITIZE) $(CFLAGS_call) -MF $@.d -o $@ $^ $(LIBFFI_PIC) $(TEST_LIBS)

# --- running tests ----------------------------------------------------------------

test-ctype test-call test-host test-lib test-nginx test-compat: all ctests
	@node scripts/test.js $(@:test-%=%)

# --- the rest ---------------------------------------------------------------------

clean:
	rm -rf $(B)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
