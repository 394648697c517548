# Culprit in two stages: hash-pinned packages are installed where tools are, and copied to where they are not.
# Build: docker build -t culprit .     Run: see compose.yaml
FROM python:3.11-slim-bookworm AS build
WORKDIR /build
COPY requirements.lock requirements-dev.lock ./
# The PostgreSQL driver is an extra: its pins and hashes stand in the lock that holds all extras.
RUN awk '/^(psycopg|psycopg-binary|psycopg-pool|langgraph-checkpoint-postgres)==/ { found = 1 } found { print } found && !/\\$/ { found = 0 }' \
        requirements-dev.lock > postgres.lock \
    && test "$(grep -c == postgres.lock)" -ge 4 \
    && python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps -r postgres.lock
COPY agent agent
COPY config config
COPY evals evals
COPY tools tools
COPY triggers triggers
RUN mkdir /app && cp -r agent config evals tools triggers /app/ \
    && /venv/bin/python -m compileall -q /app \
    && printf '#!/bin/sh\nexec /venv/bin/python -m triggers.cli "$@"\n' > /app/culprit && chmod 755 /app/culprit

FROM python:3.11-slim-bookworm
RUN groupadd --gid 10001 culprit && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin culprit \
    && install -d -o culprit -g culprit -m 0750 /data
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/app:/venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    CULPRIT_DATA_DIR=/data CULPRIT_CONFIG=/etc/culprit/culprit.yaml
USER 10001:10001
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
ENTRYPOINT ["culprit"]
CMD ["serve"]
