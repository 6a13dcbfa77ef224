# The two commands of the README, and what they are made of.
SHELL := /bin/bash
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
BIN := $(CURDIR)/.venv/bin

.PHONY: help demo demo-stop demo-destroy test test-long test-fast

help:
	@echo "make demo          deploy CredForge on a real PostgreSQL and a real mongod below .local"
	@echo "make demo-stop     stop these servers and keep their data"
	@echo "make demo-destroy  stop these servers and remove their data and passwords"
	@echo "make test          run every check, with real servers and in containers"
	@echo "make test-fast     run the checks that take less than five minutes"
	@echo "make test-long     run what is too long for every landing; AREA=mongodb or AREA=bookworm/uat runs a part of it"

demo:
	@tests/toolchain/prepare demo
	@$(BIN)/ansible-playbook site.yml -i inventories/local

demo-stop:
	@$(BIN)/ansible-playbook playbooks/local_stop.yml -i inventories/local

demo-destroy:
	@$(BIN)/ansible-playbook playbooks/local_destroy.yml -i inventories/local

test:
	@tests/toolchain/prepare test
	@.venv/bin/python tests/run.py all

test-fast:
	@tests/toolchain/prepare test
	@.venv/bin/python tests/run.py fast

test-long:
	@tests/toolchain/prepare test
	@.venv/bin/python tests/run.py long $(AREA)
