# mailtern. Targets: all install uninstall dist deps unit flow e2e faults check
# torture bench demo lint tour hardening musl fuzz clean. Variables: CC,
# CPPFLAGS, CFLAGS, LDFLAGS, PKG_CONFIG, SAN=1 (address and undefined-behaviour
# sanitizers), SAN=thread (the one for data races), WERROR=1, V=1 (show
# commands), O (where objects go), prefix and the other directories below,
# DESTDIR.

VERSION	= 0.1.0

PREFIX	?= /usr/local
prefix	?= $(PREFIX)
exec_prefix ?= $(prefix)
bindir	?= $(exec_prefix)/bin
datarootdir ?= $(prefix)/share
mandir	?= $(datarootdir)/man
docdir	?= $(datarootdir)/doc/mailtern
schemadir ?= $(datarootdir)/mailtern/schemas
DESTDIR	?=
INSTALL	?= install

O	?= build$(if $(SAN),-$(SAN:1=san))
PYTHON	?= /usr/bin/python3
PKG_CONFIG ?= pkg-config

# What it is built on: the name that pkg-config knows, a header, and the package
# of Debian that has both.
LIBRARIES = openssl:openssl/ssl.h:libssl-dev sqlite3:sqlite3.h:libsqlite3-dev \
	  libuv:uv.h:libuv1-dev libconfuse:confuse.h:libconfuse-dev \
	  libgsasl:gsasl.h:libgsasl-dev jansson:jansson.h:libjansson-dev \
	  zlib:zlib.h:zlib1g-dev -:utlist.h:uthash-dev
field	= $(word $1,$(subst :, ,$2))
PKGS	= $(filter-out -,$(foreach l,$(LIBRARIES),$(call field,1,$l)))

# Asked for when they are needed first, and then known.
pkg	= $(shell $(PKG_CONFIG) $1 $(PKGS) 2>&-)
LIB_CFLAGS = $(eval LIB_CFLAGS := $(call pkg,--cflags))$(LIB_CFLAGS)
LIB_LIBS = $(eval LIB_LIBS := $(call pkg,--libs))$(LIB_LIBS)

# Of these flags, those that this compiler, or its linker, knows.
probe	= $(foreach f,$1,$(shell $(CC) -Werror $f -fsyntax-only -xc /dev/null \
	  2>/dev/null && echo '$f'))
probe_link = $(shell t=$$(mktemp) && for f in $1; do \
	  printf 'int main(void){return 0;}' | $(CC) -Werror -fPIE $$f -xc - \
	  -o $$t 2>/dev/null && echo $$f; done; rm -f $$t)

WARN	= -Wall -Wextra -Wshadow -Wconversion -Wformat=2 -Wstrict-prototypes \
	  -Wmissing-prototypes -Wvla -Wimplicit-fallthrough
HARDER	= -fstack-protector-strong -fPIE -fstack-clash-protection \
	  -fcf-protection=full -Wtrampolines -fstrict-flex-arrays=3 \
	  -ftrivial-auto-var-init=zero \
	  -fno-strict-aliasing -fno-delete-null-pointer-checks
HARDER_LD = -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed
HARDEN	= $(eval HARDEN := $(strip $(call probe,$(HARDER))))$(HARDEN)
HARDLD	= $(eval HARDLD := $(strip $(call probe_link,$(HARDER_LD))))$(HARDLD)

# Whoever builds a package brings flags of their own: these come last, and say
# how much is fortified where they say anything of it.
ifeq ($(SAN),thread)
CFLAGS	?= -O1 -g
SANOBJ	= $O/test/lib/tsan_close.o
SANITIZE = -fsanitize=thread -fno-omit-frame-pointer
export TSAN_OPTIONS ?= suppressions=$(abspath test/tsan.supp)
else ifdef SAN
CFLAGS	?= -O1 -g
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all \
	  -fno-omit-frame-pointer
else
CFLAGS	?= -O2 -g
FORTIFY	= $(if $(findstring _FORTIFY_SOURCE,$(CPPFLAGS) $(CFLAGS))$(findstring \
	  -O0,$(CFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif

ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -DMAILTERN_VERSION='"$(VERSION)"' \
	  $(FORTIFY) $(SANITIZE) $(WARN) $(if $(WERROR),-Werror) $(HARDEN) \
	  -Iinclude $(LIB_CFLAGS) $(CPPFLAGS) $(CFLAGS)
LIBS	= $(LIB_LIBS) -lpthread
LINK	= $(CC) $(ALL_CFLAGS) $(HARDLD) $(LDFLAGS) $(SANOBJ)

# Upper modules first: the order in which archives are linked.
MODULES	= cmd import sync plan ui imap net loop maildir index conf mail base
NEEDS_base	=
NEEDS_mail	= base
NEEDS_loop	= base
NEEDS_net	= loop base
NEEDS_imap	= net loop mail base
NEEDS_maildir	= mail base
NEEDS_index	= mail base
NEEDS_conf	= base
NEEDS_plan	= mail base
NEEDS_sync	= plan imap net loop maildir index conf mail base
NEEDS_import = sync plan imap net loop maildir index conf mail base
NEEDS_ui	= base
NEEDS_cmd	= import sync plan ui imap net loop maildir index conf mail base

ARCHIVES = $(foreach m,$(MODULES),$O/lib$m.a)
SRC	= $(wildcard src/*.c src/*/*.c src/*/*/*.c)
UNIT	= $(patsubst test/unit/%.c,%,$(wildcard test/unit/*_test.c))

all: $O/mailtern

objects: $(ARCHIVES) $O/src/main.o

Q	= $(if $(V),,@)
say	= @echo "  $1	$2"

$O/mailtern: $O/src/main.o $(ARCHIVES) $(SANOBJ)
	$(call say,LD,$@)
	$Q$(LINK) -o $@ $O/src/main.o $(ARCHIVES) $(LIBS)

define module
$O/lib$1.a: $(patsubst src/%.c,$O/src/%.o,$(wildcard src/$1/*.c src/$1/*/*.c))
	@rm -f $$@
	$Q$$(AR) rcs $$@ $$^
endef
$(foreach m,$(MODULES),$(eval $(call module,$m)))

# The rooms of sync name each other's headers by room.
$O/src/sync/%.o: ROOMS = -Isrc/sync

# Tests run for seconds: optimising them takes longer than it saves.
AS_THEY_ARE = -O0 -U_FORTIFY_SOURCE
$O/test/%.o: OPTIMISE = $(AS_THEY_ARE)

# What the objects depend on beside their sources: the flags they were made
# with, so that another CC or WERROR makes them anew.
$O/%.o: %.c $O/flags | $O/libraries
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$Q$(CC) $(ALL_CFLAGS) $(ROOMS) $(OPTIMISE) -MMD -MP -c -o $@ $<

FLAGS	= $(VERSION) $(CC) $(FORTIFY) $(SANITIZE) $(WARN) $(WERROR) $(HARDER) \
	  $(HARDER_LD) $(PKG_CONFIG) $(PKG_CONFIG_PATH) $(CPPFLAGS) $(CFLAGS) \
	  $(LDFLAGS) $(AS_THEY_ARE)
$O/flags: force
	@mkdir -p $O
	@printf '%s\n' '$(subst ','\'',$(FLAGS))' >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi
force:

# What is not there is said by name, instead of by the compiler: headers; then
# what pkg-config needs to know, unless LIB_LIBS (and LIB_CFLAGS) say it.
hash	:= \#
if_not	= '$(hash)if !__has_include(<$(call field,2,$1)>)' \
	  '"$(call field,2,$1) not found: install $(call field,3,$1)"' \
	  '$(hash)endif'
lacks	= printf '%s\n' $(foreach l,$1,$(call if_not,$l)) | $(CC) $(CPPFLAGS) \
	  $(LIB_CFLAGS) $(CFLAGS) -E -P -xc - | sed -n 's/^"\(.*\)"$$/\1/p'
no_pc	= $(PKG_CONFIG) --exists $(call field,1,$1) || \
	  echo '$(call field,1,$1).pc not found: install $(call field,3,$1)';
no_pcs	= $(PKG_CONFIG) --exists $(PKGS) 2>&- || \
	  if command -v $(firstword $(PKG_CONFIG)) >/dev/null; \
	  then $(foreach l,$(filter-out -:%,$1),$(call no_pc,$l)) \
	  else echo '$(PKG_CONFIG) not found: install pkg-config'; fi;

$O/libraries: $O/flags
	@{ $(call lacks,$(LIBRARIES)); } >$@.new
	@$(if $(filter command,$(origin LIB_LIBS)),,[ -s $@.new ] || \
	    { $(call no_pcs,$(LIBRARIES)) } >$@.new)
	@$(if_lacks)
$O/cmocka: $O/flags
	@{ $(call lacks,-:cmocka.h:libcmocka-dev); } >$@.new
	@$(if_lacks)
if_lacks = if [ -s $@.new ]; then cat $@.new >&2; rm $@.new; exit 1; \
	  else mv $@.new $@; fi

-include $(patsubst %.c,$O/%.d,$(SRC))
-include $(wildcard $O/test/*/*.d)

# --- installing ---

DOCS	= README syncrc.example COPYING
SCHEMAS	= $(wildcard share/schemas/*.json)
install: all
	$(INSTALL) -d $(DESTDIR)$(bindir) $(DESTDIR)$(mandir)/man1 \
	    $(DESTDIR)$(mandir)/man5 $(DESTDIR)$(docdir) $(DESTDIR)$(schemadir)
	$(INSTALL) -m 755 $O/mailtern $(DESTDIR)$(bindir)/
	$(INSTALL) -m 644 man/mailtern.1 $(DESTDIR)$(mandir)/man1/
	$(INSTALL) -m 644 man/syncrc.5 $(DESTDIR)$(mandir)/man5/
	$(INSTALL) -m 644 $(DOCS) $(DESTDIR)$(docdir)/
	$(INSTALL) -m 644 $(SCHEMAS) $(DESTDIR)$(schemadir)/

uninstall:
	rm -f $(DESTDIR)$(bindir)/mailtern $(DESTDIR)$(mandir)/man1/mailtern.1 \
	    $(DESTDIR)$(mandir)/man5/syncrc.5 $(DOCS:%=$(DESTDIR)$(docdir)/%) \
	    $(SCHEMAS:share/schemas/%=$(DESTDIR)$(schemadir)/%)
	rmdir $(DESTDIR)$(docdir) $(DESTDIR)$(schemadir) 2>&- || :
	rmdir $(DESTDIR)$(datarootdir)/mailtern 2>&- || :

# The sources as they were committed; one commit, one sequence of bytes.
DIST	= mailtern-$(VERSION)
dist:
	@git diff --quiet HEAD || \
	    echo 'dist: what is not committed is left out' >&2
	@mkdir -p $O
	@git -c tar.umask=022 archive --format=tar --prefix=$(DIST)/ \
	    -o $O/$(DIST).tar HEAD
	@gzip -9nf $O/$(DIST).tar
	@echo $O/$(DIST).tar.gz

# Debian packages for building, the demo and the tests (.ci/deps says which).
# Nothing else here installs any.
deps:
	@.ci/deps

demo:
	@.ci/deps -n build demo
	@$(MAKE) --no-print-directory all
	@MAILTERN=$O/mailtern test/demo/demo.sh

# --- unit tests ---

# A unit test sees its module and what lies below it: test/unit/MODULE_*_test.c
unit_module = $(firstword $(subst _, ,$1))
unit_archives = $(foreach m,$(call unit_module,$1) $(NEEDS_$(call unit_module,$1)),$O/lib$m.a)
.SECONDEXPANSION:
.SECONDARY:
$O/test/unit/%_test: $O/test/unit/%_test.o $$(call unit_archives,$$*) \
    $(SANOBJ)
	$(call say,LD,$@)
	$Q$(LINK) -o $@ $< $(call unit_archives,$*) $(LIBS) $(CMOCKA)

$(UNIT:%=$O/test/unit/%.o): | $O/cmocka
CMOCKA	= -lcmocka

UNITS	= $(patsubst %,$O/test/unit/%,$(filter $(T)%,$(UNIT)))
unit-tests: $(UNITS)

# So many tests run at a time.
CPUS	= $(shell getconf _NPROCESSORS_ONLN)

# make unit [T=PREFIX]: the unit tests whose name begins with PREFIX.
unit: $(UNITS)
	@JOBS=$(CPUS) test/unit.sh unit $^

# --- flow tests ---

# Whole runs in one process, test/flow/*_test.c, with the harness beside them. The
# lanes of the program, its sleeps and its lookups of names are the harness's.
FLOW	= $(patsubst test/flow/%.c,%,$(wildcard test/flow/*_test.c))
FLOW_OBJS = $(patsubst %.c,$O/%.o,$(filter-out %_test.c,$(wildcard test/flow/*.c)))
FLOW_ARCHIVES = $(foreach m,sync $(NEEDS_sync),$O/lib$m.a)
FLOW_WRAP = $(patsubst %,-Wl$(comma)--wrap=%,lane_new lane_free lane_flush \
	  lane_post lane_post_all lane_run nanosleep \
	  lookup_start lookup_cancel)
comma	= ,

$O/test/flow/%.o: ROOMS = -Isrc/sync
$O/test/flow/%_test: $O/test/flow/%_test.o $(FLOW_OBJS) $(FLOW_ARCHIVES) $(SANOBJ)
	$(call say,LD,$@)
	$Q$(LINK) -o $@ $< $(FLOW_OBJS) $(FLOW_ARCHIVES) $(LIBS) -lcmocka \
	    $(FLOW_WRAP)

FLOWS	= $(patsubst %,$O/test/flow/%,$(filter $(T)%,$(FLOW)))
flow-tests: $(FLOWS)

# make flow [T=PREFIX]: those whose name begins with PREFIX.
flow: $(FLOWS)
	@JOBS=$(CPUS) test/unit.sh flow $^

# --- end to end, and faults ---

export MAILTERN = $(abspath $O/mailtern)
export KILLAT = $(abspath $O/test/fault/killat)
export FAILAT = $(abspath $O/test/fault/failat)
export NOMEM = $(abspath $O/test/fault/nomem.so)
export BENCH_TOOLS = $(abspath $O/test/bench)

# failat changes registers, and knows those of x86-64 only.
fault-tools: $O/test/fault/killat $O/test/fault/nomem.so \
    $(if $(filter x86_64,$(shell uname -m)),$O/test/fault/failat)
bench-tools: $O/test/bench/measure $O/test/bench/create
TOOLS	= $(addprefix $O/test/,fault/killat fault/failat bench/measure \
	  bench/create)
$(TOOLS): $O/%: %.c $O/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$Q$(CC) -std=c11 -D_GNU_SOURCE -O2 -g $(WARN) -o $@ $<
$O/test/fault/nomem.so: test/fault/nomem.c $O/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$Q$(CC) -std=c11 -D_GNU_SOURCE -O2 -g $(WARN) -fPIC -shared -o $@ $<

# What it compiles is kept, out of the tree.
PYTEST	= $(PYTHON) -X pycache_prefix=$(abspath $O)/pycache -m pytest \
	  -p no:cacheprovider -q -rsfE

e2e: all bench-tools
	$(PYTEST) test/e2e $(ARGS)

# How many points each suite takes in make check.
ROUNDS	= 30
HISTORIES = 40
KILLS	= 32
EVERY	=
FIRSTS	= 12
AGAINS	= 10
STORMS	= 2
STORM_FILES = 1000
INSTANCES = 12
CLOCKS	= 12
CUTS	= 16
POWERS	= 12
ERRNOS	= 36
MEMORY	= 20
DISKS	= 12
DISASTERS =
LIES	= 16
SETUPS	= 6
PAIRWISE = 8
DAYS	= 30

# Each ends in one line of counts; --min and "every point fired" are its own
# to check. FULL=1 takes every point there is.
suite	= $(if $2,$(PYTHON) -B test/fault/$1 --points $2 --min $2)
rounds	= $(call suite,rounds.py,$(ROUNDS))
histories = $(call suite,histories.py,$(HISTORIES))
kill	= $(call suite,kill.py $(if $(EVERY),--every $(EVERY)),$(KILLS))
kill-first = $(call suite,kill.py --kind first,$(FIRSTS))
kill-again = $(call suite,kill.py --kind again,$(AGAINS))
storm	= $(call suite,storm.py --files $(STORM_FILES),$(STORMS))
instances = $(call suite,instances.py,$(INSTANCES))
clock	= $(call suite,clock.py,$(CLOCKS))
cut	= $(call suite,cut.py,$(CUTS))
power	= $(call suite,power.py,$(POWERS))
errno	= $(call suite,fail_calls.py,$(ERRNOS))
memory	= $(call suite,memory.py,$(MEMORY))
disk	= $(call suite,disk.py,$(DISKS))
disasters = $(if $(DISASTERS),$(PYTHON) -B test/fault/disasters.py \
	  --min $(DISASTERS))
lies	= $(call suite,lies.py,$(LIES))
setups	= $(call suite,setups.py,$(SETUPS))
pairwise = $(call suite,pairwise.py,$(PAIRWISE))
providers = $(call suite,providers.py,$(DAYS))
FAULTS	= rounds histories lies setups pairwise providers kill kill-first \
	  kill-again storm instances clock cut power errno memory disk disasters

$(FAULTS): all fault-tools
	$($@)

faults: $(FAULTS)

# Samples of these suites in each mode (test/lib/modes.py); "make mode-plain"
# is one of them.
MODES	= condstore plain no-uidplus no-literal compress one-connection \
	  four-connections attic
MODE_ROUNDS = 4
MODE_HISTORIES = 6
# Where only the line is another one, check kills nothing.
MODE_KILLS = $(if $(filter $(OTHER_LINES),$1),,4)
OTHER_LINES = compress one-connection four-connections
MODE_FIRSTS =
MODE_AGAINS =
MODE_INSTANCES =
MODE_CUTS =
MODE_ERRNOS =
sample	= $(if $3,$(PYTHON) -B test/fault/$2 --mode $1 --points $3 --min $3 &&)
mode	= $(call sample,$1,rounds.py --messages 100,$(MODE_ROUNDS)) \
	  $(call sample,$1,histories.py,$(MODE_HISTORIES)) \
	  $(call sample,$1,kill.py,$(MODE_KILLS)) \
	  $(call sample,$1,kill.py --kind first,$(MODE_FIRSTS)) \
	  $(call sample,$1,kill.py --kind again,$(MODE_AGAINS)) \
	  $(call sample,$1,instances.py,$(MODE_INSTANCES)) \
	  $(call sample,$1,cut.py,$(MODE_CUTS)) \
	  $(call sample,$1,fail_calls.py,$(MODE_ERRNOS)) :
$(foreach m,$(MODES),$(eval mode-$m = $$(call mode,$m)))

modes: $(MODES:%=mode-%)
$(MODES:%=mode-%): all fault-tools
	$($@)

# With everything installed, some five minutes on two cores. What can't run
# here is left out, and what was left out is said at the end; WITHOUT="NAME:
# REASON; ..." leaves out more. All that is said goes to $O/check.
CHECKED	= e2e unit flow $(filter-out $(LONG),$(FAULTS)) $(MODES:%=mode-%) \
	  hardening
LONG	= disasters setups pairwise providers	# for torture alone
e2e	= $(PYTEST) test/e2e --share
unit	= test/unit.sh unit $(UNITS)
flow	= FLOW_POINTS=$${FLOW_POINTS:-1} test/unit.sh flow $(FLOWS)
hardening = test/hardening.sh $O/mailtern
quoted	= '$1=$(subst ','\'',$2)'
check: check-tools
	@$(checked)
check-tools:
	@$(MAKE) -s --no-print-directory -j2 all fault-tools bench-tools \
	    $$($(suites) unit flow | sed 's/$$/-tests/')
checked	= $(PYTHON) -B test/check.py --logs $O/check \
	    --without '$(subst ','\'',$(WITHOUT))' \
	    --only "$$($(suites) $(CHECKED))" \
	    $(foreach s,$(CHECKED),$(if $(strip $($s)),$(call \
	    quoted,$s,$(strip $($s)))))
suites	= CC='$(CC)' CPPFLAGS='$(CPPFLAGS)' PYTHON='$(PYTHON)' .ci/deps -s

# The same, at length: what make check takes a sample of.
torture:
	@.ci/deps -n
	@TORTURE=1 FLOW_POINTS=$(if $(FULL),0,6) \
	    $(MAKE) --no-print-directory check \
	    CHECKED="e2e flow $(FAULTS) $(MODES:%=mode-%)" \
	    e2e="$(PYTEST) test/e2e -m 'slow or sample' --share" \
	    ROUNDS=$(if $(FULL),2000,500) \
	    HISTORIES=$(if $(FULL),10000,1000) \
	    KILLS=600 EVERY=$(if $(FULL),1) FIRSTS=200 AGAINS=240 \
	    STORMS=8 STORM_FILES=5000 INSTANCES=60 CLOCKS=72 \
	    CUTS=$(if $(FULL),4000,400) POWERS=$(if $(FULL),2000,400) \
	    ERRNOS=$(if $(FULL),0,600) MEMORY=$(if $(FULL),6000,300) \
	    DISKS=$(if $(FULL),600,60) DISASTERS=190 \
	    SETUPS=30 PAIRWISE=$(if $(FULL),32,8) \
	    LIES=$(if $(FULL),1000,240) DAYS=$(if $(FULL),30,15) \
	    MODE_ROUNDS=60 MODE_HISTORIES=150 \
	    MODE_KILLS=80 MODE_FIRSTS=24 MODE_AGAINS=24 MODE_INSTANCES=12 \
	    MODE_CUTS=24 MODE_ERRNOS=60

# make bench [QUICK=1 | FULL=1] [ARGS="--only NAME"]: what a sync costs, beside
# the peers that are installed. Table and plots go to $O/bench.
bench: all bench-tools
	$(PYTHON) -B test/bench/bench.py --out $O/bench --tools $(BENCH_TOOLS) \
	    $(if $(QUICK),--quick,$(if $(FULL),--full)) $(ARGS)

# The same faults for mbsync and offlineimap, where they are installed (Debian
# packages isync and offlineimap3): half an hour, no part of any other target.
peers: all fault-tools
	@for p in mbsync offlineimap; do command -v $$p >/dev/null || \
	    echo "peers: $$p is not installed"; done
	@for s in kill cut power disasters; do \
	    $(PYTHON) -B test/fault/peers.py --suite $$s $(ARGS); done

# The program with one line broken, many times: a test turns red at each.
mutants:
	$(PYTHON) -B test/mutants.py --min 20 $(ARGS)

# --- what is checked without running ---

lint: all
	@O=$O PYTHON=$(PYTHON) CC="$(CC)" test/lint.sh

# What each file of src is for.
tour:
	@$(PYTHON) -B test/lint/tour.py

hardening: all
	@test/hardening.sh $O/mailtern

# With another C library, as far as that goes without its libraries.
musl:
	@+MAKE='$(MAKE)' test/musl.sh

# Needs clang and its runtime (libclang-rt-dev): make fuzz CC=clang
fuzz: $(patsubst %,$O/test/fuzz/%,$(basename $(notdir $(wildcard test/fuzz/*.c))))
$O/test/fuzz/%: test/fuzz/%.c $(wildcard src/*/*.c)
	@mkdir -p $(@D)
	clang -std=c11 -D_GNU_SOURCE -DMAILTERN_VERSION='"$(VERSION)"' -O1 -g \
	    -Iinclude -fsanitize=fuzzer,address,undefined \
	    -o $@ $< $(foreach m,imap mail base,$(wildcard src/$m/*.c)) \
	    $(foreach m,net loop,$(wildcard src/$m/*.c)) $(LIBS)

clean:
	rm -rf build build-san build-thread build-clang build-musl

.PHONY: all install uninstall dist deps unit unit-tests flow flow-tests e2e \
	faults $(FAULTS) modes $(MODES:%=mode-%) fault-tools check torture \
	bench bench-tools mutants peers demo lint tour hardening musl objects \
	fuzz clean force
