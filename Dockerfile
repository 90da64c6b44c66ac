# PruneScope as a container: not root, one port, state in volumes.
#   docker build -t prunescope .                                    GPU build of torch (also runs without a GPU)
#   docker build -t prunescope --build-arg TORCH_INDEX=URL .        smaller: URL is PyTorch's own index of CPU builds
#   docker run --init -p 8501:8501 -v prunescope-state:/state -v prunescope-checkpoints:/app/checkpoints prunescope
# docs/serving.md says more: GPUs, many users, a proxy, read-only demonstrations.
ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS build
ARG TORCH_INDEX=""
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements.txt ./
# torch first and by itself: its CPU builds lie in an index of their own, which has nothing else.
RUN grep -E '^torch(vision)?[>=<]' requirements.txt > torch.txt \
    && pip install ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} -r torch.txt \
    && pip install -r requirements.txt

FROM python:${PYTHON}-slim
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin prunescope \
    && mkdir -p /app /data /state/runs /state/cache \
    && chown -R prunescope /app /data /state
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY LICENSE app.py ./
COPY .streamlit .streamlit
COPY core core
COPY pages pages
COPY --chown=10001 checkpoints checkpoints
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PRUNESCOPE_DATA=/data \
    PRUNESCOPE_RUNS=/state/runs \
    PRUNESCOPE_CACHE=/state/cache \
    PRUNESCOPE_CHECKPOINTS=/app/checkpoints
USER 10001
VOLUME ["/data", "/state", "/app/checkpoints"]
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
CMD ["streamlit", "run", "app.py", "--server.address=0.0.0.0", "--server.port=8501"]
