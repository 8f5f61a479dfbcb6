# Tocsin in a container: `docker run -p 8080:8080 -v tocsin:/data tocsin` runs all roles on one durable SQLite file.

FROM python:3.13-slim AS build
WORKDIR /src
# First the wheels, exactly those of the lock: they change seldom, so this layer is kept.
COPY requirements.lock .
RUN pip wheel --no-cache-dir --require-hashes --no-deps --requirement requirements.lock --wheel-dir /wheels
COPY . .
RUN pip install --no-cache-dir --no-index --upgrade --find-links /wheels setuptools \
 && pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
 && rm /wheels/setuptools-*

FROM python:3.13-slim
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN useradd --system --uid 10001 --user-group --no-create-home tocsin \
 && install --directory --owner tocsin --group tocsin /data
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index --no-deps --compile /wheels/*.whl
USER tocsin
WORKDIR /data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD \
  ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["tocsin"]
CMD ["serve", "--listen", "0.0.0.0:8080", "--data", "/data"]
