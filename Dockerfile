# syntax=docker/dockerfile:1
# One image for the server and the worker; compose.yaml runs both, with PostgreSQL and Caddy.

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
RUN python -m venv /opt/venv
COPY requirements.lock ./
RUN /opt/venv/bin/pip install --no-cache-dir --only-binary :all: --require-hashes --requirement requirements.lock

FROM python:3.13-slim
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1
# Fonts for PDF exports in all scripts; the Python packages have those of eight. Not pinned: Debian offers only the
# newest build of each.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends fonts-noto-cjk fonts-noto-core \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --user-group --uid 10001 --no-create-home --home-dir /srv/omnichannel omnichannel
WORKDIR /srv/omnichannel
COPY --from=build /opt/venv /opt/venv
COPY manage.py LICENSE ./
COPY channels_whatsapp channels_whatsapp
COPY locale locale
COPY omnichannel omnichannel
COPY routing routing
COPY static static
COPY templates templates
# The code belongs to root; the server writes to var/ only: collected static files, and received files in var/media.
RUN python -m compileall -q channels_whatsapp omnichannel routing \
    && install --directory --owner=omnichannel --group=omnichannel --mode=700 var var/media
USER 10001
VOLUME /srv/omnichannel/var/media
EXPOSE 8000
# Migrations of a large database may take minutes before the server answers.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10m \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health/live/', timeout=4)"]
# `serve` runs the migrations and collects the static files, then starts the server and, without --no-worker, a worker.
CMD ["python", "manage.py", "serve", "--host", "0.0.0.0"]
