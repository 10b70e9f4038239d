# syntax=docker/dockerfile:1
# Three images: `server` answers (the serving group alone), `nightly` prepares, trains, ranks and exports, `mlflow`
# keeps the runs. Versions are those of uv.lock. Build: docker build --target server -t repurchase-server .
ARG PYTHON=3.11-slim-bookworm

FROM python:${PYTHON} AS build
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
RUN pip install --no-cache-dir "uv>=0.9,<1"
WORKDIR /app
COPY pyproject.toml uv.lock ./
# Dependencies change seldom: they stand in a layer of their own, before the code.
RUN UV_PROJECT_ENVIRONMENT=/opt/server uv sync --frozen --only-group serving \
 && UV_PROJECT_ENVIRONMENT=/opt/nightly uv sync --frozen --only-group training \
 && UV_PROJECT_ENVIRONMENT=/opt/mlflow uv sync --frozen --only-group training \
 && uv pip install --no-cache --python /opt/mlflow/bin/python "psycopg2-binary>=2.9,<3"
COPY README.md ./
COPY contracts contracts
COPY pages pages
COPY features features
COPY models models
COPY campaigns campaigns
COPY experiments experiments
COPY serving serving
COPY repurchase repurchase
RUN uv build --wheel --out-dir /dist \
 && uv pip install --no-cache --no-deps --compile-bytecode --python /opt/server/bin/python /dist/*.whl \
 && uv pip install --no-cache --no-deps --compile-bytecode --python /opt/nightly/bin/python /dist/*.whl

FROM python:${PYTHON} AS base
# LightGBM needs OpenMP's library, nothing else is missing from the slim image.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libgomp1 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --user-group --home-dir /data repurchase \
 && install --directory --owner repurchase --group repurchase /data /keys /exports /audit /artifacts
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /data
USER repurchase

FROM base AS mlflow
COPY --from=build /opt/mlflow /opt/mlflow
ENV PATH=/opt/mlflow/bin:$PATH MLFLOW_DISABLE_TELEMETRY=true
EXPOSE 5000
ENTRYPOINT ["mlflow"]
CMD ["server", "--host", "0.0.0.0", "--port", "5000"]

FROM base AS nightly
COPY --from=build /opt/nightly /opt/nightly
ENV PATH=/opt/nightly/bin:$PATH MLFLOW_DISABLE_TELEMETRY=true
ENTRYPOINT ["repurchase"]
CMD ["--help"]

FROM base AS server
COPY --from=build /opt/server /opt/server
ENV PATH=/opt/server/bin:$PATH OMP_NUM_THREADS=1
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/live', timeout=2)"]
ENTRYPOINT ["repurchase"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000", "--store", "/data/ranking", "--model", "/data/model", \
     "--keys", "/keys/keys.json", "--log-json", "--no-docs"]
