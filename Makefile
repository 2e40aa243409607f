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

# One line a step; V=1 shows the commands.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-9s %s\n' $1 $@)

CC := gcc
CXX := g++
OPT ?= -O2 -g
WARN := -Wall -Wextra -Werror
BASE := $(OPT) $(WARN) -fPIC -fvisibility=hidden -MMD -MP
CFLAGS_ALL := -std=gnu11 $(BASE) $(CFLAGS)
# The headers of Node.js 24 want C++20.
CXXFLAGS_ALL := -std=gnu++20 $(BASE) $(CXXFLAGS)
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
NGINX_OBJS ?= $(B)/nginx/objs
NGINX_CFLAGS = -I$(NGINX_OBJS) $(addprefix -isystem $(NGINX_SRC)/src/,core event event/modules event/quic os/unix http \
		http/modules http/v2 http/v3) $(shell pkg-config --cflags luajit 2>/dev/null)

CFLAGS_ctype :=
# The psabi notes are about compilers older than any in use.
CFLAGS_call := $(shell pkg-config --cflags libffi 2>/dev/null) -Wno-psabi
CFLAGS_node := -isystem $(NODE_API) -DNAPI_VERSION=8
CFLAGS_host = -Iinclude $(LIBNODE_CFLAGS)
CFLAGS_nginx = -Iinclude $(NGINX_CFLAGS)
CFLAGS_nginx/module = $(CFLAGS_nginx)

# --- files ------------------------------------------------------------------------

src = $(wildcard src/$1/*.c src/$1/*.cc)
obj = $(patsubst src/%,$(B)/obj/%.o,$(call src,$1))
asan = $(patsubst src/%,$(A)/obj/%.o,$(call src,$1))

FIXTURES := $(patsubst test/fixtures/%.c,$(B)/fixtures/%.so,$(wildcard test/fixtures/*.c))
# host: files named ffi_nodejs* are the runtime that nginx loads, the rest is libbiffi.
HOST_NGINX_OBJ := $(filter $(B)/obj/host/ffi_nodejs%,$(call obj,host))
# child.c, with what it shares with libbiffi, is the addon in a child process.
HOST_OBJ := $(filter-out $(HOST_NGINX_OBJ) $(B)/obj/host/child.c.o,$(call obj,host)) $(B)/obj/host/boot.js.o
CHILD_OBJ := $(patsubst %,$(B)/obj/host/%.o,child.c binding.c bytes.c channel.c engine.c names.c pool.c scope.c seal.c slots.c boot.js)

# A library is made once its room has a file.
LIBRARIES := $(if $(call src,node),$(B)/biffi.node) $(if $(HOST_OBJ),$(B)/libbiffi.so $(B)/biffi_child.node $(B)/biffi_worker.js) \
	$(if $(HOST_NGINX_OBJ),$(B)/libffi_nodejs.so) $(if $(call src,nginx),$(B)/libresty_ffi.so) \
	$(if $(call src,nginx/module),$(B)/ngx_http_node_module.so)

CTESTS := $(patsubst test/%.test.c,$(B)/test/%.test,$(wildcard $(patsubst %,test/%/*.test.c,ctype call host nginx)))
ASAN_CTESTS := $(patsubst $(B)/%,$(A)/%,$(filter $(B)/test/ctype/% $(B)/test/call/%,$(CTESTS)))

# --- targets ----------------------------------------------------------------------

SUITES := ctype call lib demo asan nodes nginx host compat
.PHONY: arm64 cross-arm64 test-arm64 inside matrix test-matrix asan-rooms rooms tsan thread-tests test-valgrind
.PHONY: all addon fixtures ctests asan deps help clean install pack prebuild demo run-demo run bench bench-nginx format
.PHONY: test test-all run-tests $(addprefix test-,$(SUITES)) lint $(addprefix lint-,format tidy cppcheck floors js prettier types shell)

#: make              build everything that has sources: build/biffi.node, build/lib*.so
all: $(LIBRARIES) $(FIXTURES)
#: make addon        build/biffi.node alone
addon: $(B)/biffi.node
fixtures: $(FIXTURES)
# What scripts/matrix has built in each of its folders.
inside: all $(filter $(B)/test/host/% $(B)/test/nginx/%,$(CTESTS))
ctests: $(CTESTS) $(B)/test/ctype/dump $(B)/test/ctype/parse.fuzz
#: make asan         the C tests, the addon and what runs Node.js under ASan and UBSan, in build/asan/
asan: $(ASAN_CTESTS) $(if $(call src,node),$(A)/biffi.node) $(FIXTURES) asan-rooms
# host and nginx: the same Makefile once more. libnode has no type information for C++'s checks.
asan-rooms: $(NGINX_OBJS)/ngx_auto_config.h
	@$(MAKE) --no-print-directory B=$(A)/rooms NGINX_OBJS=$(NGINX_OBJS) OPT='-g $(SANITIZE)' \
		CXXFLAGS=-fno-sanitize=vptr LDFLAGS=-fsanitize=address,undefined rooms
rooms: $(filter-out %/biffi.node,$(LIBRARIES)) $(filter $(B)/test/host/% $(B)/test/nginx/%,$(CTESTS))
#: make tsan         what threads share, in C alone, under ThreadSanitizer, in build/tsan/
tsan: $(NGINX_OBJS)/ngx_auto_config.h
	@$(MAKE) --no-print-directory B=$(B)/tsan NGINX_OBJS=$(NGINX_OBJS) OPT='-O1 -g -fsanitize=thread' \
		LDFLAGS=-fsanitize=thread thread-tests
thread-tests: $(B)/test/host/queue.test $(B)/test/host/channel.test $(B)/test/nginx/queue.test
#: make deps         install what is missing, with apt and npm
deps:
	@scripts/install

help:
	@sed -n 's/^#: //p' Makefile

# --- objects ----------------------------------------------------------------------

define room
$(B)/obj/$1/%.c.o: src/$1/%.c | $(ORDER_$1)
	@mkdir -p $$(@D)
	$$(call say,CC)
	$$(Q)$$(CC) $$(CFLAGS_ALL) $$(CFLAGS_$1) -c $$< -o $$@
$(B)/obj/$1/%.cc.o: src/$1/%.cc | $(ORDER_$1)
	@mkdir -p $$(@D)
	$$(call say,CXX)
	$$(Q)$$(CXX) $$(CXXFLAGS_ALL) $$(CFLAGS_$1) -c $$< -o $$@
$(A)/obj/$1/%.c.o: src/$1/%.c | $(ORDER_$1)
	@mkdir -p $$(@D)
	$$(call say,CC)
	$$(Q)$$(CC) $$(CFLAGS_ALL) $(SANITIZE) $$(CFLAGS_$1) -c $$< -o $$@
endef
# A script that a library carries inside, NUL-terminated: boot.js is bf_boot_js.
$(B)/obj/host/%.js.o: src/host/%.js
	@mkdir -p $(@D)
	printf '.section .rodata\n.global bf_$*_js\n.hidden bf_$*_js\nbf_$*_js:\n.incbin "$<"\n.byte 0\n.section .note.GNU-stack,"",%%progbits\n' \
		| $(CC) -x assembler -c - -o $@
ORDER_node := $(NODE_API)
ORDER_nginx := $(NGINX_OBJS)/ngx_auto_config.h
ORDER_nginx/module := $(ORDER_nginx)
$(foreach r,ctype call node host nginx nginx/module,$(eval $(call room,$r)))

$(NODE_API):
	scripts/install npm

# nginx's headers need what its configure finds out; it wants to write beside itself.
$(B)/nginx/objs/ngx_auto_config.h:
	@mkdir -p $(@D)
	@for f in auto src configure; do ln -sfn $(NGINX_SRC)/$$f $(B)/nginx/$$f; done
	$(call say,CONFIGURE)
	$(Q)cd $(B)/nginx && bash -c '. $(NGINX_SRC)/conf_flags && sh ./configure "$${NGX_CONF_FLAGS[@]}" >configure.log' \
		|| { tail -20 $(B)/nginx/configure.log; rm -f $@; exit 1; }

# --- libraries --------------------------------------------------------------------

# libffi's names stay inside, so that a process with another libffi keeps its own. nodelete: callbacks and V8's
# array buffers outlive the worker that loaded the addon, and with it Node.js' last reason to keep it.
$(B)/biffi.node: $(call obj,node) $(call obj,call) $(call obj,ctype)
	$(call say,LINK)
	$(Q)$(CC) -shared -o $@ $^ $(LIBFFI_PIC) -Wl,--exclude-libs,ALL -Wl,-z,relro,-z,now,-z,nodelete -ldl -lm -lpthread $(LDFLAGS)
$(A)/biffi.node: $(call asan,node) $(call asan,call) $(call asan,ctype)
	$(call say,LINK)
	$(Q)$(CC) -shared $(SANITIZE) -o $@ $^ $(LIBFFI_PIC) -Wl,--exclude-libs,ALL -ldl -lm -lpthread $(LDFLAGS)

# What their Workers load lies beside them.
$(B)/biffi_worker.js: src/host/worker.js
	@mkdir -p $(@D)
	$(Q)cp $< $@
$(B)/libbiffi.so $(B)/biffi_child.node: | $(B)/biffi_worker.js
$(B)/libbiffi.so: $(HOST_OBJ)
	$(call say,LINK)
	$(Q)$(CXX) -shared -o $@ $^ $(LIBNODE_LIBS) -ldl -lpthread $(LDFLAGS)
$(B)/biffi_child.node: $(CHILD_OBJ)
	$(call say,LINK)
	$(Q)$(CC) -shared -o $@ $^ -lpthread $(LDFLAGS)
$(B)/libffi_nodejs.so: $(HOST_NGINX_OBJ) $(B)/obj/host/bytes.c.o $(B)/libbiffi.so $(B)/resty_ffi.js
	$(call say,LINK)
	$(Q)$(CC) -shared -o $@ $(filter %.o,$^) -L$(B) -lbiffi -Wl,-rpath,'$$ORIGIN' -lpthread $(LDFLAGS)
# The JavaScript half of libffi_nodejs.so lies beside it.
$(B)/resty_ffi.js: src/host/resty_ffi.js
	@mkdir -p $(@D)
	$(Q)cp $< $@
$(B)/libresty_ffi.so: $(call obj,nginx)
	$(call say,LINK)
	$(Q)$(CC) -shared -o $@ $^ -ldl -lpthread $(LDFLAGS)

# nginx's dynamic module, which needs no Lua.
NODE_MODULE_JS := $(B)/ngx_http_node.js $(B)/ngx_http_node_streams.js
$(B)/ngx_http_node.js: src/nginx/module/http.js
	@mkdir -p $(@D)
	$(Q)cp $< $@
$(B)/ngx_http_node_%.js: src/nginx/module/%.js
	@mkdir -p $(@D)
	$(Q)cp $< $@
$(B)/ngx_http_node_module.so: $(call obj,nginx/module) $(B)/libbiffi.so $(NODE_MODULE_JS)
	$(call say,LINK)
	$(Q)$(CC) -shared -o $@ $(filter %.o,$^) -L$(B) -lbiffi -Wl,-rpath,'$$ORIGIN' -lpthread $(LDFLAGS)

# Compiled as any C library is: what it exports is visible.
$(B)/fixtures/%.so: test/fixtures/%.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) -std=gnu11 $(OPT) -Wall -Wextra -Werror -fPIC -shared -MMD -MP -MF $@.d -o $@ $< -lm -lpthread

# --- C tests ----------------------------------------------------------------------

TEST_LIBS := $(LDFLAGS) -lcmocka -ldl -lm -lpthread
# This one makes allocations fail.
%/test/call/memory.test: TEST_LIBS += -Wl,--wrap=malloc,--wrap=calloc,--wrap=strdup,--wrap=strndup
# A test that refuses memory stands between the room and malloc.
TEST_LIBS_memory := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
$(B)/test/ctype/%.test: test/ctype/%.test.c $(call obj,ctype)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS_ALL) -MF $@.d -o $@ $^ $(TEST_LIBS) $(TEST_LIBS_$*)
# What libFuzzer runs; its checks are in every file of the room.
$(B)/test/ctype/parse.fuzz: test/ctype/fuzz/parse.fuzz.c $(call src,ctype) $(wildcard src/ctype/*.h)
	@mkdir -p $(@D)
	$(call say,CLANG)
	$(Q)clang -std=gnu11 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -o $@ $(filter %.c,$^)
# What the proof on real headers runs.
$(B)/test/ctype/dump: test/ctype/headers/dump.c $(call obj,ctype)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS_ALL) -MF $@.d -o $@ $^
$(B)/test/call/%.test: test/call/%.test.c $(call obj,call) $(call obj,ctype)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS_ALL) $(CFLAGS_call) -MF $@.d -o $@ $^ $(LIBFFI_PIC) $(TEST_LIBS)
# Without libnode, so that ThreadSanitizer and valgrind see everything.
$(B)/test/host/queue.test: test/host/queue.test.c src/host/queue.h
$(B)/test/host/channel.test: test/host/channel.test.c $(B)/obj/host/channel.c.o
$(B)/test/nginx/queue.test: test/nginx/queue.test.c $(B)/obj/nginx/queue.c.o
$(B)/test/host/queue.test $(B)/test/host/channel.test $(B)/test/nginx/queue.test:
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS_ALL) -Iinclude -MF $@.d -o $@ $(filter-out %.h,$^) $(TEST_LIBS)
$(B)/test/host/%.test: test/host/%.test.c $(B)/libbiffi.so $(B)/biffi_child.node
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS_ALL) -Iinclude -MF $@.d -o $@ $< -L$(B) -lbiffi -Wl,-rpath,'$$ORIGIN/../..' $(TEST_LIBS)
$(A)/test/ctype/%.test: test/ctype/%.test.c $(call asan,ctype)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS_ALL) $(SANITIZE) -MF $@.d -o $@ $^ $(TEST_LIBS) $(TEST_LIBS_$*)
$(A)/test/call/%.test: test/call/%.test.c $(call asan,call) $(call asan,ctype)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS_ALL) $(SANITIZE) $(CFLAGS_call) -MF $@.d -o $@ $^ $(LIBFFI_PIC) $(TEST_LIBS)

# --- running tests ----------------------------------------------------------------

# A make of its own sees what scripts/install has brought.
PARALLEL_MAKE = $(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))

#: make test         everything: C, JavaScript on five versions of Node.js, nginx, sanitizers, lint
test:
	@scripts/install
	@$(PARALLEL_MAKE) run-tests

run-tests: all ctests asan tsan
	@node scripts/test.js all

#: make test-all     the same with everything that takes long (BIFFI_LONG=1 tells the tests), and the three below
test-all:
	@scripts/install
	-@scripts/install all
	@$(PARALLEL_MAKE) all ctests asan tsan
	@$(MAKE) --no-print-directory cross-arm64 matrix
	@BIFFI_LONG=1 node scripts/test.js all valgrind arm64 matrix

#: make test-arm64   the floors of C types and calls and the addon as aarch64 code, under an emulator
test-arm64: cross-arm64
	@node scripts/test.js arm64

#: make test-matrix  the rooms host and nginx on Debian's other versions of nginx and libnode, in folders of their own
test-matrix: matrix
	@node scripts/test.js matrix
matrix:
	@scripts/matrix

#: make test-valgrind  the rooms host and nginx under valgrind
test-valgrind: all $(filter $(B)/test/host/% $(B)/test/nginx/%,$(CTESTS))
	@node scripts/test.js valgrind

# The same Makefile once more, into build/arm64, with another compiler.
ARM64_ROOT = .deps/arm64/root/usr
cross-arm64:
	@scripts/arm64
	@$(PARALLEL_MAKE) B=$(B)/arm64 CC=aarch64-linux-gnu-gcc MULTIARCH=aarch64-linux-gnu \
		LIBFFI_PIC=$(ARM64_ROOT)/lib/aarch64-linux-gnu/libffi_pic.a \
		CFLAGS='-isystem $(ARM64_ROOT)/include/aarch64-linux-gnu -isystem $(ARM64_ROOT)/include' \
		LDFLAGS=-L$(ARM64_ROOT)/lib/aarch64-linux-gnu arm64
arm64: addon fixtures $(filter $(B)/test/ctype/% $(B)/test/call/%,$(CTESTS)) $(B)/test/ctype/dump

#: make test-SUITE   one of: ctype call lib demo asan nodes nginx host compat
test-ctype: $(filter $(B)/test/ctype/%,$(CTESTS)) $(B)/test/ctype/dump $(B)/test/ctype/parse.fuzz
test-call: $(filter $(B)/test/call/%,$(CTESTS)) $(FIXTURES)
test-lib test-nodes test-demo: $(if $(call src,node),$(B)/biffi.node) $(FIXTURES)
test-asan: asan tsan
test-host: all $(filter $(B)/test/host/%,$(CTESTS))
test-nginx: all $(filter $(B)/test/nginx/%,$(CTESTS))
test-compat: all
$(addprefix test-,$(SUITES)):
	@node scripts/test.js $(@:test-%=%)

# --- benchmarks -------------------------------------------------------------------

#: make bench        biffi beside its peers; a quick look: ONLY=biffi,koffi CASES=add_i32 NODES=20,24 ROUNDS=2
bench: all
	-@scripts/install bench
	@node bench/run.js
ifeq ($(ONLY)$(CASES)$(NODES)$(ROUNDS)$(MS),)
	@node bench/parse.js
	@node bench/nginx/run.js
endif

#: make bench-nginx  Node.js inside nginx beside what else there is: ONLY=lua,thread,proxy SIZES=16 ROUNDS=1
bench-nginx: all
	-@scripts/install bench
	@node bench/nginx/run.js

# --- the demo ---------------------------------------------------------------------

#: make demo         install, build, and show both directions at work
demo:
	@scripts/install demo
	@$(PARALLEL_MAKE) run-demo

run-demo: all
	@node demo/tour.js

#: make run          nginx with the demo on port 20000, in the foreground; another one: NGINX_BIN=/path
run: all
	@NGINX_BIN='$(NGINX_BIN)' BUILD=$(B) scripts/run-nginx

# --- lint -------------------------------------------------------------------------

# A file is looked at again when its object is newer: it, or a header of it, changed.
C_FILES := $(wildcard src/*/*.[ch] src/*/*/*.[ch] src/*/*.cc include/*.h test/*/*.[ch] demo/*.[ch] bench/*.[ch] bench/*/*.[ch])
TIDY := $(patsubst src/%,$(B)/lint/%.tidy,$(foreach r,ctype call node host nginx nginx/module,$(call src,$r)))
JS_FILES := '**/*.{js,mjs,cjs,ts,json}'

#: make lint         clang-format, clang-tidy, cppcheck, eslint, prettier, tsc, shellcheck, the floors' order
lint: $(addprefix lint-,format tidy cppcheck floors js prettier types shell)

# Other versions of clang-format break lines elsewhere.
lint-format:
	@if clang-format --version | grep -q 'version 14\.'; then clang-format --dry-run -Werror $(C_FILES); \
	else echo "lint-format: the C sources are formatted by clang-format 14, this is another one; not checked"; fi

lint-tidy: $(TIDY)
define tidy
$(B)/lint/$1/%.c.tidy: src/$1/%.c $(B)/obj/$1/%.c.o .clang-tidy
	@mkdir -p $$(@D)
	$$(call say,TIDY)
	$$(Q)clang-tidy --quiet $$< -- -std=gnu11 $$(CFLAGS_$1) 2>$$@.log >&2 || { grep -v 'warnings generated' $$@.log; exit 1; }
	@touch $$@
$(B)/lint/$1/%.cc.tidy: src/$1/%.cc $(B)/obj/$1/%.cc.o .clang-tidy
	@mkdir -p $$(@D)
	$$(call say,TIDY)
	$$(Q)clang-tidy --quiet $$< -- -std=gnu++20 $$(CFLAGS_$1) 2>$$@.log >&2 || { grep -v 'warnings generated' $$@.log; exit 1; }
	@touch $$@
endef
$(foreach r,ctype call node host nginx nginx/module,$(eval $(call tidy,$r)))

lint-cppcheck:
	@mkdir -p $(B)/lint/cppcheck
	@cppcheck --quiet --error-exitcode=1 --cppcheck-build-dir=$(B)/lint/cppcheck --std=c11 --language=c \
		--enable=warning,performance,portability --inline-suppr --suppress=missingIncludeSystem \
		--suppress=unusedStructMember --suppress=preprocessorErrorDirective -Iinclude $(wildcard src/*/*.c)

# Arrows point down only: a floor includes nothing of those above it.
lint-floors:
	@! grep -HnE '#include "\.\./' $(wildcard src/ctype/*.[ch]) /dev/null
	@! grep -HnE '#include "\.\./|#include <node_api' $(wildcard src/call/*.[ch]) /dev/null | grep -v '"../ctype/'
	@! grep -HnE '#include "\.\./' $(wildcard src/node/*.[ch]) /dev/null | grep -vE '"\.\./(ctype|call)/'
	@! grep -HnE '#include "\.\./|#include <(ngx_|lua)' $(wildcard src/host/*.[ch] src/host/*.cc) /dev/null
	@! grep -HnE '#include "\.\./' $(wildcard src/nginx/*.[ch]) /dev/null | grep -v '"\.\./host/'

lint-js: $(NODE_API)
	@node_modules/.bin/eslint --cache --cache-location $(B)/lint/eslint .

lint-prettier: $(NODE_API)
	@node_modules/.bin/prettier --log-level warn --cache --cache-location $(B)/lint/prettier --check $(JS_FILES)

lint-types: $(NODE_API)
	$(if $(wildcard lib/*.d.ts test/types/*.ts),@node_modules/.bin/tsc -p tsconfig.json)

lint-shell:
	@shellcheck $$(grep -lE '^#!.*sh$$' .ci/run scripts/*)

#: make format       let clang-format and prettier rewrite what they would complain about
format:
	clang-format -i $(C_FILES)
	node_modules/.bin/prettier --log-level warn --write $(JS_FILES)

# --- installing -------------------------------------------------------------------

D := $(DESTDIR)$(PREFIX)
VERSION = $(shell sed -n 's/^  "version": "\(.*\)",/\1/p' package.json)

#: make install      into PREFIX (/usr/local): the libraries, headers, Lua module and the Node.js package
install: all
	install -d $D/lib/pkgconfig $D/include $D/lib/node_modules/biffi/build
	install -m 755 $(filter %.so,$(LIBRARIES)) $D/lib
	$(if $(HOST_NGINX_OBJ),install -m 644 $(B)/resty_ffi.js $(NODE_MODULE_JS) $(B)/biffi_child.node $(B)/biffi_worker.js $D/lib)
	install -m 644 $(wildcard include/*.h) $D/include
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' scripts/biffi.pc.in >$D/lib/pkgconfig/biffi.pc
	install -d $D/share/man/man3 && install -m 644 doc/biffi.3 $D/share/man/man3
	for f in $$(sed -n 's/^\.Nm \(biffi_[a-z_]*\).*/\1/p' doc/biffi.3); do ln -sf biffi.3 $D/share/man/man3/$$f.3; done
	$(if $(LIBNODE_PRIVATE),install -d $D/lib/biffi && install -m 755 $(LIBNODE_PRIVATE)/libnode.so.* $D/lib/biffi)
	$(if $(wildcard lua/*.lua),install -d $D/share/lua/5.1 && install -m 644 $(wildcard lua/*.lua) $D/share/lua/5.1)
	install -m 644 package.json LICENSE $(wildcard README.md) $D/lib/node_modules/biffi
	cp -R bin $(wildcard lib compat) $D/lib/node_modules/biffi
	install -m 755 $(B)/biffi.node $D/lib/node_modules/biffi/build
	install -d $D/bin && ln -sfn ../lib/node_modules/biffi/bin/biffi.js $D/bin/biffi

#: make prebuild     fetches the tools for it and builds the addon for x64 and arm64, glibc and musl, into build/prebuilds
prebuild: $(NODE_API)
	@scripts/arm64
	@scripts/musl
	@scripts/prebuild

#: make pack         npm packages into build/pack: biffi and the drop-in packages, with prebuilt addons for what
#:                   there are tools for (make prebuild fetches them) inside
pack: $(NODE_API)
	@scripts/prebuild
	@node scripts/pack.js

# --- the rest ---------------------------------------------------------------------

#: make clean        remove build/
clean:
	rm -rf $(B)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
