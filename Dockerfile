# The dashboard and the command line without a GPU. Build and start it:
#
#     docker build -t visil-dash .
#     docker run --rm -p 127.0.0.1:8501:8501 -v visil-dash:/data visil-dash
#
# Without a login (docs/install.md) keep the port on 127.0.0.1, as above, or put a proxy before it.

FROM python:3.11-slim-bookworm AS build
# hnswlib is compiled, without instructions that only the building machine may have. The compiler is
# Debian's latest, security updates included; the image that runs does not hold it.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends g++ && rm -rf /var/lib/apt/lists/*
ENV HNSWLIB_NO_NATIVE=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# For an image of 2 GB in place of 7: --build-arg PIP_EXTRA_INDEX_URL=<PyTorch's CPU index>
ARG PIP_EXTRA_INDEX_URL=
WORKDIR /build
COPY requirements.txt constraints.txt ./
RUN python -m venv /usr/local/visil && /usr/local/visil/bin/pip install --no-cache-dir -r requirements.txt
COPY pyproject.toml README.md app.py ./
COPY .streamlit .streamlit
COPY demo demo
COPY pages pages
COPY scripts scripts
COPY visil_dash visil_dash
RUN /usr/local/visil/bin/pip install --no-cache-dir --no-deps .

FROM python:3.11-slim-bookworm
COPY --from=build /usr/local/visil /usr/local/visil
RUN useradd --create-home --uid 1000 visil && install -d -o visil -g visil /data
USER 1000
WORKDIR /data
VOLUME /data
ENV PATH=/usr/local/visil/bin:$PATH VISIL_DASH_LIBRARY=/data/library VISIL_DASH_LIBRARIES=/data/libraries
ENV VISIL_DASH_MODELS=/data/models VISIL_DASH_ALLOW_PUBLIC=1
EXPOSE 8501
HEALTHCHECK CMD ["python", "-c", "import urllib.request as u; assert u.urlopen('http://127.0.0.1:8501/_stcore/health').read() == b'ok'"]
ENTRYPOINT ["visil-dash"]
CMD ["serve", "--address", "0.0.0.0"]
