# The binary alone, run by nobody in particular. Build: docker build -t habitus .
FROM rust:1.95.0-slim-trixie AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ make pkg-config libssl-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --release --locked -p habitus --features tls

FROM debian:13.1-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends libssl3t64 ca-certificates \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/target/release/habitus /usr/local/bin/habitus
USER 10001:10001
ENV HABITUS_CONFIG=/etc/habitus/habitus.toml
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD ["habitus", "health"]
ENTRYPOINT ["habitus"]
CMD ["run"]
