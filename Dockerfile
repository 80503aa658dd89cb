# The benchmark on a CPU, networks included. See docs/docker.md.
#   docker build -t ldl-benchmark .
#   docker run --rm -v "$PWD/data:/work/data:ro" -v "$PWD/results:/work/results" ldl-benchmark run --all
FROM python:3.13-slim-bookworm AS build
WORKDIR /source
# Versions that the published results were made with; they change less often than the code.
COPY constraints.txt pyproject.toml README.md LICENSE MANIFEST.in ./
COPY baselines baselines
COPY benchmark benchmark
COPY ewmtcnn ewmtcnn
COPY features features
COPY results/reference results/reference
RUN python -m venv /opt/ldl \
    && /opt/ldl/bin/python -m pip install --no-cache-dir --constraint constraints.txt ".[networks]"

FROM python:3.13-slim-bookworm
COPY --from=build /opt/ldl /opt/ldl
ENV PATH=/opt/ldl/bin:$PATH \
    MPLCONFIGDIR=/tmp/matplotlib \
    KERAS_HOME=/work/results/cache/keras \
    TF_CPP_MIN_LOG_LEVEL=2
RUN useradd --create-home --uid 1000 ldl \
    && install --directory --owner=ldl /work /work/results
USER 1000
WORKDIR /work
VOLUME /work/results
ENTRYPOINT ["ldl-benchmark"]
CMD ["--help"]
