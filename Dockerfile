# One source tree, two images, split by trust: `service` (Python and git) and `agent` (and Claude Code).

FROM python:3.13-slim AS base
RUN apt-get update \
    && apt-get install -y --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/*
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app

# Packages: made anew only when the pinned requirements change. pip itself stays out of the environment.
FROM base AS service-packages
COPY requirements/service.txt .
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install --compile --require-hashes -r service.txt

FROM base AS agent-packages
COPY requirements/agent.txt .
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install --compile --require-hashes -r agent.txt \
    && chmod 711 /opt/venv/lib/python*/site-packages/claude_agent_sdk/_bundled/claude

# The source with its bytecode: the root file system is read-only, and a start would else compile it all again.
FROM base AS source
COPY . .
RUN python -m compileall -q .

FROM base AS service
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin stack \
    && install -d -o stack -g stack /data
COPY --from=service-packages /opt/venv /opt/venv
COPY --from=source /app /app
USER stack

# The supervisor is root with four capabilities, so that Claude Code and what it starts can be another user; whom nft
# keeps from the network (agents/container.sh).
FROM base AS agent
RUN apt-get update \
    && apt-get install -y --no-install-recommends nftables \
    && rm -rf /var/lib/apt/lists/*
COPY --from=agent-packages /opt/venv /opt/venv
COPY --from=source /app /app
