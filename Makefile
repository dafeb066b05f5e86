# chord-chat. `make` alone lists what can be made.

SWIFT ?= swift
ARGS ?=
# Sanitizers slow everything down; the tests of real processes wait that many times longer for it.
SANITIZED = PATIENCE=4

.DEFAULT_GOAL := help
.PHONY: help set-up chat test check format demo chaos partition hostile bench bench-session bench-peers compare counts figures
.PHONY: sim canary fuzz asan tsan clean install uninstall generated link-order

# Where `make install` puts things: DESTDIR is put before everything, for packagers.
PREFIX ?= /usr/local
DESTDIR ?=
bindir = $(PREFIX)/bin
datadir = $(PREFIX)/share
unitdir = $(PREFIX)/lib/systemd/system

help: ## this list
	@echo "make …"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 16
	@echo 'Options of the program go into ARGS:  make chat ARGS="--username alice --bootstrap HOST:PORT"'

set-up: ## install what is missing to build (Debian and Ubuntu; done by the others as needed)
	@scripts/set-up

chat: set-up ## build, start a node and chat
	$(SWIFT) build -c release --product node
	@exec .build/release/node chat $(ARGS)

test: set-up ## everything that must pass; FORCE=1: also if nothing has changed since it passed
	@FORCE="$(FORCE)" scripts/test

check: set-up ## formatting, warnings as errors, the tests, and a minute of simulations
	$(SWIFT) format lint --strict --recursive --parallel Package.swift Sources Tests benchmarks Examples/*/Package.swift Examples/*/Sources
	@FORCE="$(FORCE)" scripts/test
	@$(MAKE) --no-print-directory sim SEEDS=60

format: ## bring the sources into form
	$(SWIFT) format --in-place --recursive --parallel Package.swift Sources Tests benchmarks Examples/*/Package.swift Examples/*/Sources

demo: set-up ## alice and bob talk, a bootstrap node dies, they go on
	$(SWIFT) build -c release --product node
	$(SWIFT) build -c release --product demo
	@.build/release/demo

chaos: set-up ## 40 nodes under faults for a minute, then peace: all must be well; SEED=… SECONDS=… NODES=…
	$(SWIFT) build -c release --product node
	$(SWIFT) build -c release --product chaos
	@.build/release/chaos storm $(if $(SEED),--seed $(SEED)) $(if $(SECONDS),--seconds $(SECONDS)) \
	  $(if $(NODES),--nodes $(NODES)) $(ARGS)

partition: set-up ## 40 nodes in two networks that are cut apart and joined again (needs root); NODES=…
	$(SWIFT) build -c release --product node
	$(SWIFT) build -c release --product chaos
	@.build/release/chaos partition $(if $(NODES),--nodes $(NODES)) $(ARGS)

hostile: set-up ## attack a real node in thirty ways, and measure what honest users notice; ARGS="--kinds flood"
	$(SWIFT) build -c release --product node
	$(SWIFT) build -c release --product hostile
	@.build/release/hostile $(ARGS)

bench: set-up ## measure lookups, failures and sessions, and make one page of it in bench-report/ (ten minutes)
	$(SWIFT) build -c release --product node
	$(SWIFT) build -c release --product bench
	@.build/release/bench report bench-report $(ARGS)

bench-session: set-up ## measure start, find, first message and round trips; ARGS="--json -r 100"
	$(SWIFT) build -c release --product node
	$(SWIFT) build -c release --product bench
	@.build/release/bench session $(ARGS)

bench-peers: set-up ## install and build what ours is compared with: libuv in C, SwiftNIO, OpenDHT, c-toxcore, and two in Python
	@scripts/bench-peers

compare: set-up ## ours beside the others, interleaved, with paired ratios; ARGS="-r 3 --only echo"
	$(SWIFT) build -c release --product bench
	@.build/release/bench compare $(ARGS)

sim: set-up ## simulate networks under faults; SEEDS=10000: many, SEED=7: that one, ARGS="--trace"
	$(SWIFT) build -c release --product sim
	@.build/release/sim --seed $(or $(SEED),1) --seeds $(or $(SEEDS),1) $(ARGS)

canary: set-up ## plant a known bug of the original Chord, and see that the simulator finds it
	$(SWIFT) build -c release --product sim -Xswiftc -DCHORD_CANARY --scratch-path .build/canary
	@.build/canary/release/sim --seeds 100 --canary

counts: set-up ## hops, messages, bytes, allocations, memory and instructions: none may have grown
	@scripts/bench-peers uv-echo valgrind
	$(SWIFT) build -c release --product counts
	$(SWIFT) build -c release --product bench
	@SWIFT_DETERMINISTIC_HASHING=1 .build/release/counts --check benchmarks/counts/counts.txt
	@.build/release/bench instructions --limit 1.3

figures: set-up ## the tables of docs/FIGURES.md, simulated (takes a while)
	$(SWIFT) build -c release --product bench
	@.build/release/bench lookup --successors 16,20 --fail 0,0.1,0.2,0.3,0.4,0.5 --csv $(ARGS)
	@.build/release/bench churn --lookup-rate 20 $(ARGS)
	@.build/release/bench churn --lookup-rate 20 --silent $(ARGS)
	@.build/release/bench churn --lookup-rate 20 --sessions 5,1.4 --bytes $(ARGS)
	@.build/release/bench liars --finds 4000 $(ARGS)
	@.build/release/bench simulator
	@.build/release/bench simulator --nodes 100 1000 --grow

asan: set-up ## the tests under the address sanitizer
	$(SANITIZED) LSAN_OPTIONS=suppressions=$(CURDIR)/scripts/leaks.supp:print_suppressions=0 \
	  $(SWIFT) test --disable-xctest --sanitize=address --scratch-path .build-asan

tsan: set-up ## the tests under the thread sanitizer
	$(SANITIZED) $(SWIFT) test --disable-xctest --sanitize=thread --scratch-path .build-tsan

fuzz: set-up ## look for bytes that do harm; RUNS=10000000 TARGET=member: so often, this target alone
	@RUNS="$(RUNS)" TARGET="$(TARGET)" KEEP="$(KEEP)" scripts/fuzz

install: set-up ## build, and install program, manual page, completions and service; PREFIX=/usr/local DESTDIR=
	@[ -n "$(DESTDIR)" ] || FORCE="$(FORCE)" scripts/no-other-node "$(bindir)/node"
	@SWIFT="$(SWIFT)" scripts/release
	install -D -s -m 755 .build/install/release/node "$(DESTDIR)$(bindir)/node"
	install -D -m 644 packaging/node.1 "$(DESTDIR)$(datadir)/man/man1/node.1"
	install -D -m 644 packaging/completions/node.bash "$(DESTDIR)$(datadir)/bash-completion/completions/node"
	install -D -m 644 packaging/completions/_node "$(DESTDIR)$(datadir)/zsh/site-functions/_node"
	install -D -m 644 packaging/completions/node.fish "$(DESTDIR)$(datadir)/fish/vendor_completions.d/node.fish"
	install -d "$(DESTDIR)$(unitdir)"
	sed 's|@BINDIR@|$(bindir)|g' packaging/chord-chat.service > "$(DESTDIR)$(unitdir)/chord-chat.service"
	chmod 644 "$(DESTDIR)$(unitdir)/chord-chat.service"

uninstall: ## remove what `make install` has put there, with the same PREFIX and DESTDIR
	rm -f "$(DESTDIR)$(bindir)/node" "$(DESTDIR)$(datadir)/man/man1/node.1" \
	  "$(DESTDIR)$(datadir)/bash-completion/completions/node" "$(DESTDIR)$(datadir)/zsh/site-functions/_node" \
	  "$(DESTDIR)$(datadir)/fish/vendor_completions.d/node.fish" "$(DESTDIR)$(unitdir)/chord-chat.service"

generated: ## make the manual page and the completions anew, after a change of the options
	$(SWIFT) build --product node
	@scripts/generated "$(CURDIR)/.build/debug/node"

link-order: set-up ## count anew which functions a node calls, for the order in which the installed program holds them
	@SWIFT="$(SWIFT)" scripts/link-order

clean: ## remove everything that was built
	rm -rf .build .build-asan .build-tsan .build-fuzz .build-peers Examples/*/.build Examples/*/Package.resolved
