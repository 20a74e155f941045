# docker build -t hiqlite . && docker run -v hiqlite:/app/data -p 127.0.0.1:8200:8200 hiqlite

FROM denoland/deno:debian-2.9.4 AS build
# The SQLite library, which is faster and can be interrupted, is compiled with the system's compiler.
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev
WORKDIR /build
COPY . .
RUN deno task dashboard:build && deno task sqlite && deno task compile
# The volume's folder, as it is in an image without a shell's user.
RUN mkdir --mode=0700 /empty

FROM debian:stable-slim
LABEL org.opencontainers.image.title="Hiqlite for Deno" \
  org.opencontainers.image.description="A SQLite database replicated with Raft" \
  org.opencontainers.image.licenses="Apache-2.0"
# Hiqlite's manifests start /app/hiqlite and mount /app/config and /app/data.
WORKDIR /app
COPY --from=build /build/dist/hiqlite /app/hiqlite
COPY --from=build --chown=65532:65532 /empty /app/data
ENV HOME=/app
USER 65532:65532
VOLUME ["/app/data"]
EXPOSE 8100 8200
# Leadership is handed over and answers under way are waited for: give it 20 s and more (docker stop --timeout 30).
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=6s --start-period=60s --start-interval=2s \
  CMD ["/app/hiqlite", "healthcheck"]
ENTRYPOINT ["/app/hiqlite"]
CMD ["serve"]
