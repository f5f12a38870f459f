# docker build -t mockserver .
# docker run --rm -p 127.0.0.1:8080:8080 -e MOCKSERVER_ADMIN_TOKEN=choose-one mockserver
# More in tests/README.md. `make container-check` builds and runs this file without a container engine.

FROM debian:trixie-slim AS build
RUN apt-get update && apt-get install --yes --no-install-recommends python3-pip python3-venv
WORKDIR /src
COPY setup.cfg pyproject.toml README.md LICENSE ./
COPY mockserver mockserver
COPY schemas schemas
COPY fixtures fixtures
# For a package index of your own: docker build --build-arg PIP_INDEX_URL=https://…
ARG PIP_INDEX_URL
RUN python3 -m pip wheel --no-deps --wheel-dir /wheel . \
 && python3 -m venv /opt/mockserver \
 && wheel="$(echo /wheel/*.whl)" \
 && /opt/mockserver/bin/pip install --no-cache-dir "$wheel[docs,tls]" \
 && /opt/mockserver/bin/pip uninstall --yes pip

FROM debian:trixie-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends python3 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY --from=build /opt/mockserver /opt/mockserver
# Listening on every address, the server requires MOCKSERVER_ADMIN_TOKEN and does not start without it.
ENV PATH=/opt/mockserver/bin:$PATH PYTHONDONTWRITEBYTECODE=1 MOCKSERVER_HOST=0.0.0.0
# A user without a name, a home and files; nothing is written to the image.
USER 65532:65532
WORKDIR /
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
 CMD mockserver wait --url "http://127.0.0.1:${MOCKSERVER_PORT:-8080}" --timeout 4
ENTRYPOINT ["mockserver"]
CMD ["serve"]
