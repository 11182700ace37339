# mailtern. Targets: all install deps lint check torture demo fuzz clean.
# Variables: CC, SAN=1 (address and undefined-behaviour sanitizers), WERROR=1,
# O (where objects go), PREFIX, DESTDIR.

PREFIX	?= /usr/local
DESTDIR	?=
O	?= build$(if $(SAN),-san)
VERSION	= 0.1.0
PYTHON	?= /usr/bin/python3

PKGS	= openssl sqlite3 libuv libconfuse libgsasl jansson zlib
PKG	= pkg-config --silence-errors

# A flag that this compiler does not know is left out.
probe	= $(shell printf 'int main(void){return 0;}' | \
	  $(CC) -Werror $(1) -xc - -o /dev/null 2>/dev/null && echo '$(1)')

WARN	= -Wall -Wextra -Wshadow -Wconversion -Wformat=2 -Wstrict-prototypes \
	  -Wmissing-prototypes -Wvla -Wimplicit-fallthrough
HARDEN	:= -fstack-protector-strong -fPIE \
	  $(call probe,-fstack-clash-protection) \
	  $(call probe,-fcf-protection=full) $(call probe,-Wtrampolines) \
	  $(call probe,-fstrict-flex-arrays=3) \
	  $(call probe,-ftrivial-auto-var-init=zero) \
	  -fno-strict-aliasing -fno-delete-null-pointer-checks
HARDLD	= -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed

ifdef SAN
OPT	= -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
	  -fno-omit-frame-pointer
else
OPT	= -O2 -g -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
endif

CFLAGS	?=
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -DMAILTERN_VERSION='"$(VERSION)"' \
	  $(OPT) $(WARN) $(if $(WERROR),-Werror) $(HARDEN) -Iinclude \
	  $(shell $(PKG) --cflags $(PKGS)) $(CFLAGS)
LIBS	= $(shell $(PKG) --libs $(PKGS)) -lpthread
LINK	= $(CC) $(ALL_CFLAGS) $(LDFLAGS) $(HARDLD)

# Upper modules first: the order in which archives are linked.
MODULES	= cmd sync ui imap net loop maildir index conf mail base
NEEDS_base	=
NEEDS_mail	= base
NEEDS_loop	= base
NEEDS_net	= loop base
NEEDS_imap	= net loop mail base
NEEDS_maildir	= mail base
NEEDS_index	= mail base
NEEDS_conf	= base
NEEDS_sync	= imap net loop maildir index conf mail base
NEEDS_ui	= base
NEEDS_cmd	= sync ui imap net loop maildir index conf mail base

ARCHIVES = $(foreach m,$(MODULES),$O/lib$m.a)
SRC	= $(wildcard src/*.c src/*/*.c)
UNIT	= $(patsubst test/unit/%.c,%,$(wildcard test/unit/*_test.c))

all: $O/mailtern

$O/mailtern: $O/src/main.o $(ARCHIVES)
	$(LINK) -o $@ $O/src/main.o $(ARCHIVES) $(LIBS)

define module
$O/lib$1.a: $(patsubst src/%.c,$O/src/%.o,$(wildcard src/$1/*.c))
	@rm -f $$@
	$$(AR) rcs $$@ $$^
endef
$(foreach m,$(MODULES),$(eval $(call module,$m)))

$O/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

-include $(patsubst %.c,$O/%.d,$(SRC))
-include $(wildcard $O/test/*/*.d)

unit_module = $(firstword $(subst _, ,$1))
unit_archives = $(foreach m,$(call unit_module,$1) $(NEEDS_$(call unit_module,$1)),$O/lib$m.a)
.SECONDEXPANSION:
.SECONDARY:
# A unit test sees its module and what lies below it: test/unit/MODULE_*_test.c
$O/test/unit/%_test: $O/test/unit/%_test.o $$(call unit_archives,$$*)
	$(LINK) -o $@ $< $(call unit_archives,$*) $(LIBS) -lcmocka

# make unit [T=PREFIX]: the unit tests whose name begins with PREFIX.
.PHONY: unit
unit: $(patsubst %,$O/test/unit/%,$(filter $(T)%,$(UNIT)))
	@fail=0; for t in $^; do echo "== $$t"; $$t || fail=1; done; exit $$fail

clean:
	rm -rf build build-san

.PHONY: all install deps lint check torture demo fuzz clean
