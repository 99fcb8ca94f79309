# Short names for what is done often; `just` lists them. Nothing needs just: each line works by itself.

_list:
    @"{{ just_executable() }}" --list --unsorted

# what must hold before a commit, without the slow steps of `just ci`
check: fmt-check clippy test

# format the code
fmt:
    cargo fmt

fmt-check:
    cargo fmt --check

# lints, as errors
clippy:
    cargo clippy --locked --all-targets -- -D warnings

# all tests, on SQLite and PostgreSQL; arguments go to `cargo test`
test *args:
    scripts/test {{ args }}

# the documentation of the code, private parts included
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items

# licences, sources and banned crates
deny:
    cargo deny --locked check bans licenses sources

# write the OpenAPI document anew
openapi:
    mkdir -p openapi
    cargo run --quiet --locked -- openapi > openapi/openapi.json.new
    mv openapi/openapi.json.new openapi/openapi.json

# rules for OpenAPI documents: both must find nothing
openapi-lint:
    scripts/npm
    tests/npm/node_modules/.bin/spectral lint --fail-severity=hint --ruleset openapi/.spectral.yaml openapi/openapi.json
    REDOCLY_TELEMETRY=off tests/npm/node_modules/.bin/redocly lint --config openapi/redocly.yaml openapi/openapi.json

# everything on this machine: SQLite, simulated Restcomm, handset page
dev *args:
    cargo run --locked -- dev {{ args }}

# send, read, verify and stop, once, from outside
smoke:
    cargo build --locked
    scripts/smoke

# the program as it is shipped
release:
    cargo build --release --locked

# how fast it is, beside two limits that are measured in the same run; `--help` tells more
bench *args:
    cargo bench --locked --bench load -- {{ args }}

# latencies at fixed rates, as a picture
picture:
    cargo bench --locked --bench load -- latency --database sqlite --rounds 1 --svg docs/latency.svg

# the container image
image:
    docker build --tag countersign .

# everything that must hold before a change is accepted
ci:
    bash .ci/run
