# Every task of the project; `make` alone lists them. Taskfile.yml offers the same names.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
