# docker build --tag countersign .

FROM rust:1.95-bookworm AS build
WORKDIR /build

# The dependencies in a layer of their own, built against an empty crate: it stays in the cache until
# Cargo.toml or Cargo.lock change. Cargo.toml names the benches, so each needs a file too.
COPY .cargo .cargo
COPY Cargo.toml Cargo.lock scripts/empty-crate ./
RUN ./empty-crate . \
    && cargo build --release --locked --bin countersign \
    && rm -r src benches empty-crate

# Files are copied with their own times, which may be older than the empty crate's build; Cargo goes by time.
COPY . .
RUN touch src/main.rs src/lib.rs \
    && cargo build --release --locked --bin countersign


FROM debian:12-slim

# The certificates by which Restcomm and the receivers of webhooks are recognised.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*

# A fixed number, so that volumes and secret files can be given to it; readable by nobody else.
RUN groupadd --gid 10001 countersign \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin countersign \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/countersign

COPY --from=build /build/target/release/countersign /usr/local/bin/countersign
COPY LICENSE /usr/share/doc/countersign/LICENSE

LABEL org.opencontainers.image.title="Countersign" \
      org.opencontainers.image.description="Self-hosted phone verification" \
      org.opencontainers.image.licenses="Apache-2.0"

# A number, not a name: orchestrators that refuse root can only check numbers.
USER 10001:10001
WORKDIR /var/lib/countersign
VOLUME /var/lib/countersign

# The public listener must be reached from outside the container. The admin listener stays on the container's
# own loopback: publish it only on purpose.
ENV COUNTERSIGN__SERVER__BIND=0.0.0.0:8080
EXPOSE 8080

STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["countersign", "healthcheck"]
ENTRYPOINT ["countersign"]
CMD ["serve"]
