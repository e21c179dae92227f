# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Everything that is fetched or written goes below .ansible/ in the checkout.

.PHONY: help demo topology test hosts matrix kernels power bench findings fetch lock clean root programs lab-programs kernel-programs bench-programs FORCE
.DELETE_ON_ERROR:

HOME_HERE = $(CURDIR)/.ansible/home
LINK = .ansible/collections/ansible_collections/linux/namespaces
POSIX = .ansible/collections/ansible_collections/ansible/posix
VENV = .ansible/test
NOX = $(VENV)/bin/nox --non-interactive --session
# The unit tests take as long as the rest of the sessions, and no more than one processor.
BESIDE = --beside '$(NOX) units'
REST = lint types sanity molecule
LAB_ROOT = .ansible/lab/root$(if $(SUITE),-$(SUITE))

help:
	@echo "make demo                         run work in real namespaces, from a playbook"
	@echo "make demo KEEP=1                  leave them for you to look around; make demo takes them down"
	@echo "make topology                     three tenants with the same addresses, their routers and an uplink; KEEP=1 as above"
	@echo "make test                         the tests, on this machine: lint types sanity units molecule"
	@echo "make test SESSION=units ARGS=...  one session of it, with arguments for its tool"
	@echo "make hosts                        the scenarios over ssh, on hosts with systemd that are booted for it"
	@echo "make hosts SUITE=trixie ARGS=...  the same with another release of Debian, and with arguments for molecule"
	@echo "make test HOSTS=1                 both at once, in less time"
	@echo "make matrix                       the modules with every Python here and every ansible-core from 2.18 on"
	@echo "make kernels                      the tests on Debian's kernels, from 5.10 on, in emulated machines"
	@echo "make power                        ns_boot through reboots and losses of power, in an emulated machine; SUITE= as above"
	@echo "make bench                        measure ns_exec against nsenter, ns_persistent against ip_netns, ns_network against ip, a boot, tasks inside, ns_facts against lsns, the report of 10,000 hosts, an audit of 20 against setup"
	@echo "make findings                     write docs/findings.md out of the rules of the audit"
	@echo "make lock                         pin the newest versions of what the tests fetch"
	@echo "make clean                        remove all that was made here"
	@echo "PYTHON=... chooses the Python; otherwise it is the newest one that works."

# ---- what a person runs

demo topology: root .ansible/demo/made $(LINK)
	@mkdir -p '$(HOME_HERE)/tmp'
	@env HOME='$(HOME_HERE)' TMPDIR='$(HOME_HERE)/tmp' ANSIBLE_HOME='$(HOME_HERE)/.ansible' \
	    ANSIBLE_REMOTE_TEMP='$(HOME_HERE)/tmp' ANSIBLE_CONFIG='$(CURDIR)/ansible.cfg' \
	    .ansible/demo/bin/ansible-playbook playbooks/$@.yml $(if $(KEEP),--extra-vars keep=$(KEEP)) $(ARGS)

# tests/sealed.py says what the seal is. Only the fetching inside it reaches a network.
test: root programs $(if $(HOSTS),lab-programs) .ansible/python
	@"$$(cat .ansible/python)" tests/sealed.py --fetch '$(MAKE) --no-print-directory fetch $(if $(HOSTS),.ansible/lab/root)' \
	    $(if $(SESSION),,$(BESIDE)) -- $(NOX) $(or $(SESSION),$(REST) $(if $(HOSTS),hosts)) $(if $(ARGS),-- $(ARGS))

# The same on hosts of tests/lab, over ssh.
hosts: root programs lab-programs .ansible/python
	@"$$(cat .ansible/python)" tests/sealed.py --fetch '$(MAKE) --no-print-directory fetch $(LAB_ROOT)' -- \
	    env LAB_ROOT=$(LAB_ROOT) $(NOX) hosts $(if $(ARGS),-- $(ARGS))

# Each Python and each ansible-core that tests/matrix/run.py finds; ARGS='3.8 3.13' limits it to these Pythons.
matrix: root programs .ansible/python $(LINK)
	@python="$$(cat .ansible/python)"; "$$python" tests/sealed.py --fetch "'$$python' tests/matrix/run.py --fetch" -- \
	    "$$python" tests/matrix/run.py $(ARGS)

# What they boot is fetched once; newer kernels of Debian come after: rm -r .ansible/lab/kernels
kernels: root programs kernel-programs .ansible/python
	@"$$(cat .ansible/python)" tests/sealed.py --fetch '$(MAKE) --no-print-directory .ansible/lab/kernels/disk' -- \
	    "$$(cat .ansible/python)" tests/lab/kernels/run.py .ansible/lab/kernels $(ARGS)

# The same kernels with the file system of the lab's hosts, and systemd.
power: root programs kernel-programs .ansible/python
	@"$$(cat .ansible/python)" tests/sealed.py --fetch '$(MAKE) --no-print-directory .ansible/lab/kernels/disk $(LAB_ROOT)' -- \
	    env PYTHONPATH=.ansible/collections "$$(cat .ansible/python)" tests/lab/kernels/power.py .ansible/lab/kernels $(LAB_ROOT) $(ARGS)

bench: root bench-programs lab-programs .ansible/bench/made .ansible/bench/trixie .ansible/lab/root $(LINK)
	@.ansible/bench/bin/python benchmarks/ns_exec.py $(ARGS)
	@.ansible/bench/bin/python benchmarks/ns_persistent.py
	@.ansible/bench/bin/python benchmarks/ns_network.py
	@.ansible/bench/bin/python benchmarks/boot.py
	@.ansible/bench/bin/python benchmarks/nsenter.py
	@.ansible/bench/bin/python benchmarks/ns_facts.py
	@.ansible/bench/bin/python benchmarks/report.py
	@.ansible/bench/bin/python benchmarks/fleet.py

findings: $(VENV)/made $(LINK)
	@PYTHONPATH=.ansible/collections $(VENV)/bin/python tests/findings.py

lock: .ansible/lock/made
	@.ansible/lock/bin/uv --cache-dir .ansible/lock/cache pip compile --quiet --upgrade --universal --no-annotate --no-header \
	    --python-version 3.11 tests/requirements.in --output-file tests/requirements.txt
	@.ansible/lock/bin/uv --cache-dir .ansible/lock/cache pip compile --quiet --upgrade --universal --no-annotate --no-header \
	    --python-version 3.11 --no-deps tests/collections.in --output-file tests/collections.txt
	@.ansible/lock/bin/uv --cache-dir .ansible/lock/cache pip compile --quiet --upgrade --universal --no-annotate --no-header \
	    --python-version 3.8 tests/matrix/requirements.in --output-file tests/matrix/requirements.txt

clean:
	@rm -rf .ansible .hypothesis collections tests/output
	@find . -name __pycache__ -prune -exec rm -r {} +

# ---- what they need

root:
	@[ "$$(id -u)" = 0 ] || { echo "This makes namespaces and mounts: run it as root." >&2; exit 1; }

programs: PACKAGES = tests/packages.txt
lab-programs: PACKAGES = tests/lab/packages.txt
kernel-programs: PACKAGES = tests/lab/kernels/packages.txt
bench-programs: PACKAGES = benchmarks/packages.txt
programs lab-programs kernel-programs bench-programs:
	@missing=$$(grep -v '^#' $(PACKAGES) | while read -r program package; do \
	    PATH="$$PATH:/usr/sbin:/sbin" command -v "$$program" >/dev/null || echo "$$package"; done | sort -u | paste -sd ' '); \
	[ -z "$$missing" ] || { echo "This needs more programs. On Debian: apt-get install $$missing" >&2; exit 1; }

# The newest Python that works: a name on the PATH may be a shim that fails, or lack venv. Changes only with the choice.
.ansible/python: FORCE
	@mkdir -p .ansible; \
	for python in $(or $(PYTHON),$(foreach v,3.14 3.13 3.12 3.11,python$v "$$(pyenv root 2>/dev/null)"/versions/$v.*/bin/python$v)); do \
	    found=$$("$$python" -I -c 'import ensurepip, os, sys, venv; (3, 11) <= sys.version_info[:2] <= (3, 14) and print(os.path.realpath(sys.executable))' 2>/dev/null); \
	    [ -z "$$found" ] || break; \
	done; \
	[ -n "$$found" ] || { echo "No Python from 3.11 to 3.14 with venv works here$(if $(PYTHON),: PYTHON=$(PYTHON)). On Debian: apt-get install python3-venv" >&2; exit 1; }; \
	[ "$$found" = "$$(cat $@ 2>/dev/null)" ] || echo "$$found" >$@

# The checkout as a collection, for everything that looks for linux.namespaces.
$(LINK):
	@mkdir -p $(@D) && ln -sfn ../../../.. $@

# $(call pip,FOLDER OF AN ENVIRONMENT,WHAT ITS PIP DOES,WHAT IT IS ABOUT)
define pip
	@HOME='$(HOME_HERE)' PIP_CACHE_DIR='$(HOME_HERE)/.cache/pip' $(1)/bin/pip --disable-pip-version-check --retries 1 $(2) >$(1)/pip.log 2>&1 || \
	    { echo "$(3) could not be fetched: no Python package index that has it can be reached (pip's own words: $(1)/pip.log)." >&2; exit 1; }
endef

# $(call environment,WHAT TO INSTALL): an environment in the folder of the target.
define environment
	@rm -rf $(@D) && "$$(cat .ansible/python)" -m venv $(@D)
	$(call pip,$(@D),install $(1),$(firstword $(1)))
	@touch $@
endef

.ansible/demo/made: .ansible/python tests/requirements.txt
	$(call environment,ansible-core pyroute2 --constraint tests/requirements.txt)

# The package ansible has community.general; ns_network takes pyroute2.
.ansible/bench/made: .ansible/python tests/requirements.txt
	$(call environment,ansible pyroute2 --constraint tests/requirements.txt)

# lsns of Debian trixie, which is run from there. It goes with the environment, whose folder it is in.
.ansible/bench/trixie: tests/lab/root.py .ansible/bench/made | $(LINK)
	@rm -rf $@.new
	@.ansible/bench/bin/python benchmarks/ns_facts.py --fetch $@.new
	@rm -rf $@ && mv $@.new $@ && touch $@

$(VENV)/made: .ansible/python tests/requirements.txt
	$(call environment,--requirement tests/requirements.txt)

# Of the package ansible, which has a hundred collections, only this one is kept.
$(POSIX): $(VENV)/made tests/collections.txt
	@rm -rf .ansible/posix $@ && mkdir -p $(@D)
	$(call pip,$(VENV),download --no-cache-dir --no-deps --only-binary :all: --dest .ansible/posix --requirement tests/collections.txt,ansible)
	@$(VENV)/bin/python -c 'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); z.extractall(sys.argv[2], filter(lambda n: n.startswith(sys.argv[3]), z.namelist()))' \
	    .ansible/posix/*.whl .ansible/posix ansible_collections/ansible/posix/
	@mv .ansible/posix/ansible_collections/ansible/posix $@ && rm -r .ansible/posix && touch $@

# The oldest pyroute2 that is tried, Debian's of 2023: it comes before the one of the environment.
.ansible/pyroute2/made: $(VENV)/made
	@rm -rf $(@D)
	$(call pip,$(VENV),install --no-deps --target $(@D) pyroute2==0.7.2,pyroute2)
	@touch $@

# The file system of the lab's hosts, with setuid programs and ordinary users: not for others on this machine.
.ansible/lab/root $(filter-out .ansible/lab/root,$(LAB_ROOT)): tests/lab/root.py
	@install -d -m 700 $(@D) && rm -rf $@.new
	@"$$(cat .ansible/python)" tests/lab/root.py $@.new $(patsubst .ansible/lab/root-%,%,$(filter .ansible/lab/root-%,$@))
	@rm -rf $@ && mv $@.new $@ && touch $@

# The kernels of Debian, and the disk that all of them boot from.
.ansible/lab/kernels/disk: tests/lab/kernels/images.py | .ansible/python $(LINK)
	@install -d -m 700 .ansible/lab
	@PYTHONPATH=.ansible/collections "$$(cat .ansible/python)" tests/lab/kernels/images.py $(@D)

.ansible/lock/made: .ansible/python
	$(call environment,uv)

# ansible-test makes environments of its own; it keeps them in its home.
$(VENV)/primed: $(VENV)/made tests/prime.py
	@PIP_CACHE_DIR='$(HOME_HERE)/.cache/pip' $(VENV)/bin/python tests/prime.py
	@touch $@

fetch: $(VENV)/primed $(POSIX) .ansible/pyroute2/made $(LINK)
