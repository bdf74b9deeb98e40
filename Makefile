# Every task of the project is a verb here; `make help` lists them.
PY := .venv/bin/python
# Which Python .venv is made with. A newer one takes less time: docs/operate/performance.md.
PYTHON ?= python3
.DEFAULT_GOAL := help
# kubectl of the small cluster, where there is no other.
export PATH := $(PATH):$(or $(K8S_STATE),$(HOME)/.cache/gbike-k8s)/bin
# The tests start gbike a thousand times: it is compiled once, whatever a container's image says.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: buildah required k8s-up k8s-demo k8s-down k8s-test help demo setup test ci lint schemas sim chaos bench lock kafka java promtool siege chromium node lint-js kubectl screenshots ci-k8s security sbom scan publish deploy smoke matrix images

help: ## list every verb with one line each
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

# Two hash-locked files: what a running gbike needs, and the same with the tools of its developers.
.venv/.run: requirements.lock pyproject.toml
	test -x $(PY) || $(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/.dev: .venv/.run requirements-dev.lock
	.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

setup: .venv/.dev ## make .venv from the hash-locked files

demo: .venv/.run ## everything in one process on http://127.0.0.1:8088, open, with a small fleet
	$(PY) -m gbike demo

test: .venv/.dev ## every test; what needs a missing tool is skipped by name
	$(PY) -m pytest -n 2 --dist worksteal -m "not alone"
	$(PY) -m pytest -m alone tests/chaos tests/pages

# At full size: 300 simulated seeds and every planted bug, 1,000 races for one bike, 50 kills, 20 of a start or an upgrade
# (GBIKE_START_KILLS), 10 freezes, the whole API fuzz; then 100 seeds that nobody chose, which judge the next commit.
ci: .venv/.dev node lint security kafka promtool siege buildah chromium kubectl ## what a change must pass: the checks, then every test at full size
	GBIKE_REQUIRE=all GBIKE_FULL=1 GBIKE_SIM_SEEDS=300 GBIKE_RACE_ROUNDS=1000 GBIKE_KILLS=50 $(MAKE) test
	$(PY) -m gbike sim --fresh 100
	$(MAKE) ci-k8s

# On the small cluster only, never on one that KUBECONFIG happens to name, and without what judges how much a machine
# carries: that needs one that does nothing else (make k8s-test).
ci-k8s:
	@unset KUBECONFIG; if deploy/k8s.sh possible; then \
	  export GBIKE_REQUIRE=all; $(MAKE) k8s-test K8S_TESTS='-m "not quiet"' && $(MAKE) k8s-down; \
	else echo "skipped: Kubernetes' tests, which take the small cluster only; make k8s-test takes a KUBECONFIG"; fi

# A runner of the pipeline is not root, but may become it.
AS_ROOT := $(if $(filter 0,$(shell id -u)),,sudo --preserve-env) env "PATH=$$PATH"
required: ## every test but those of full size, and none left out: what is missing is installed, as root
	$(AS_ROOT) $(MAKE) .venv/.dev .venv/.security kafka promtool siege buildah chromium node kubectl
	$(AS_ROOT) GBIKE_REQUIRE=tools $(MAKE) test

# A real Kafka for `gbike cluster up`, the tests and the bench. Java and Maven are the system's.
KAFKA := .engines/kafka/libs
kafka: java $(KAFKA)/.got ## a real Kafka, into .engines (needs Java 17 and Maven; as root they are installed)

$(KAFKA)/.got: deploy/kafka/pom.xml
	rm -rf $(KAFKA)
	mvn -q -B -f $< dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=$(abspath $(KAFKA))
	@touch $@

java:
	@{ command -v java && command -v mvn; } >/dev/null \
	|| { test "$$(id -u)" = 0 && apt-get update -q && apt-get install -y -q --no-install-recommends default-jre-headless maven; } \
	|| { echo "Java 17 and Maven are missing: apt-get install default-jre-headless maven"; exit 1; }

# Only the tool: the server that comes with it is started by nobody here.
promtool:
	@command -v promtool >/dev/null \
	|| { test "$$(id -u)" = 0 && apt-get update -q && apt-get install -y -q --no-install-recommends prometheus; } \
	|| { echo "promtool is missing: apt-get install prometheus"; exit 1; }

# What the original's document put its load on with.
siege:
	@command -v siege >/dev/null \
	|| { test "$$(id -u)" = 0 && apt-get update -q && apt-get install -y -q --no-install-recommends siege; } \
	|| { echo "siege is missing: apt-get install siege"; exit 1; }

# What images are built with.
buildah:
	@command -v buildah >/dev/null \
	|| { test "$$(id -u)" = 0 && apt-get update -q && apt-get install -y -q --no-install-recommends buildah; } \
	|| { echo "buildah is missing: apt-get install buildah"; exit 1; }

# A cluster: the one of KUBECONFIG, else a small one (K8S_SCRIPTS, see deploy/k8s.sh). How it gets images: LOAD and PREFIX, see deploy/images.sh.
k8s-up: ## a Kubernetes cluster to try out on, unless KUBECONFIG names one
	deploy/k8s.sh up

k8s-demo: ## from nothing to everything running on Kubernetes; prints the gateway's address
	deploy/k8s.sh demo

k8s-down: ## take it away again, and the small cluster with it
	deploy/k8s.sh down

# kubectl holds kustomize, with which the manifests are read; the small cluster brings it along.
kubectl:
	@command -v kubectl >/dev/null \
	|| { deploy/k8s.sh up && deploy/k8s.sh down; }

# K8S_TESTS: what chooses some of them, as pytest takes it: K8S_TESTS='-k rolled'.
k8s-test: .venv/.dev ## what is shown on a real cluster, one test after another
	GBIKE_KUBERNETES=1 $(PY) -m pytest tests/kubernetes $(K8S_TESTS)

# A browser for the tests of the pages, with a face that has Korean; and the same without windows, where the system has
# it: most tests take that one.
chromium:
	@command -v chromium || command -v chromium-browser || command -v google-chrome \
	|| { test "$$(id -u)" = 0 && apt-get update -q && apt-get install -y -q --no-install-recommends chromium fonts-noto-cjk \
	&& { apt-get install -y -q --no-install-recommends chromium-headless-shell || true; }; } \
	|| { echo "Chromium is missing: apt-get install chromium fonts-noto-cjk"; exit 1; }

# For the pages' JavaScript only, which needs no build: its tests, its linter and its types.
node:
	@{ command -v node && command -v npm; } >/dev/null \
	|| { test "$$(id -u)" = 0 && apt-get update -q && apt-get install -y -q --no-install-recommends nodejs npm; } \
	|| { echo "Node is missing: apt-get install nodejs npm"; exit 1; }

node_modules/.got: package-lock.json
	npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

screenshots: .venv/.dev chromium ## every page in both languages, phone and desktop, light and dark, into build/screenshots
	$(PY) -m tests.pages.screenshots build/screenshots

lint: .venv/.dev ## ruff and mypy; biome and tsc for the pages, where there is npm
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory lint-js; \
	else echo "skipped: biome and tsc for the pages' JavaScript, as npm is missing: apt-get install nodejs npm"; test -z "$$GBIKE_REQUIRE"; fi

lint-js: node_modules/.got
	npm run --silent lint

schemas: .venv/.dev ## generate schemas/, the reference pages of docs/ and deploy/'s lines of each service anew from the code
	$(PY) -m dev.documents.schemas
	$(PY) -m deploy.pipeline.manifests

sim: .venv/.dev ## 300 seeds of the simulator
	$(PY) -m gbike sim --seeds 300

chaos: .venv/.dev ## kill a real process 50 times at random under load
	$(PY) -m gbike chaos kill9 --rounds 50

bench: .venv/.dev ## rides per second, latencies, memory and start, beside their floors
	$(PY) -m gbike bench

# The pipeline: .github/workflows calls these and nothing else (docs/operate/pipeline.md). PREFIX=registry.example/gbike/,
# IMAGES=some of them. AUDIT=required: what can't be looked up here is a failure, not a named skip.
IMAGES ?= $(shell $(PY) -m deploy.pipeline.images --plain)
OVERLAY ?= deploy/kubernetes/production
SBOM := build/sbom
SCANNED := build/images
TAG ?= dev
.venv/.security: .venv/.run requirements-security.lock
	test -x .venv/security/bin/python || $(PYTHON) -m venv .venv/security
	.venv/security/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-security.lock
	@touch $@

security: .venv/.security ## mistakes in our code, secrets in our files, known vulnerabilities of what we use
	$(PY) -m deploy.pipeline.security

sbom: .venv/.security ## a CycloneDX bill of materials for each image, into build/sbom
	$(PY) -m deploy.pipeline.sbom $(TAG) $(SBOM) $(IMAGES)

images: ## build the images (TAG, PREFIX, IMAGES, BASE)
	TAG=$(TAG) PREFIX=$(PREFIX) deploy/images.sh $(IMAGES)

scan: .venv/.run ## known vulnerabilities of the built images (TAG, PREFIX), which are kept in build/images to be published
	$(PY) -m deploy.pipeline.scan $(TAG) "$(PREFIX)" $(SCANNED) $(IMAGES)

publish: sbom ## push the scanned images (TAG, PREFIX) as they are and sign them
	$(PY) -m deploy.pipeline.publish $(TAG) "$(PREFIX)" $(SCANNED) $(SBOM) $(IMAGES)

deploy: .venv/.dev ## bring a version (TAG, PREFIX, OVERLAY) onto the cluster of KUBECONFIG; back again when no ride works
	$(PY) -m deploy.pipeline.rollout $(OVERLAY) $(TAG) --prefix "$(PREFIX)" --address "$(ADDRESS)"

smoke: .venv/.run ## one ride through the gateway at ADDRESS
	$(PY) -m deploy.pipeline.smoke $(ADDRESS)

matrix: .venv/.run ## which images there are, as JSON
	$(PY) -m deploy.pipeline.images

lock: ## resolve the lock files anew (needs uv)
	uv pip compile $(RESOLVE) --extra build pyproject.toml -o requirements.lock
	uv pip compile $(RESOLVE) --extra build --extra distributed --extra cluster --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	uv pip compile $(RESOLVE) --extra distributed -c requirements-dev.lock pyproject.toml -o requirements-service.lock
	uv pip compile $(RESOLVE) -c requirements-dev.lock deploy/requirements-gateway.in -o requirements-gateway.lock
	uv pip compile $(RESOLVE) deploy/pipeline/requirements-security.in -o requirements-security.lock
RESOLVE := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header
