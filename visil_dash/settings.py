"""One frozen Settings object, built once from the environment (prefix VISIL_DASH_)."""

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from visil_dash.errors import InputError

RERANK_BUDGET = 200  # candidates
PROOF_SECONDS = 30.0  # that a search spends on verification, where nobody says otherwise


class Settings(BaseSettings):
    """Paths and limits. Every limit is printed by `python -m visil_dash limits` and enforced.

    Environment: VISIL_DASH_LIBRARY=/data/lib sets `library`, and so on; an empty value counts as
    unset.
    """

    model_config = SettingsConfigDict(
        env_prefix="VISIL_DASH_", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    library: Path = Field(Path("data/library"), description="folder of the library in use")
    libraries: Path = Field(
        Path("data/libraries"), description="folder whose subfolders are further libraries"
    )
    models: Path = Field(Path("data/models"), description="folder of imported or downloaded models")
    tokens: Path = Field(
        Path("data/tokens.json"), description="file of the tokens of the HTTP interface, as hashes"
    )
    logs: Path = Field(Path("data/logs"), description="folder of the logs")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least level of what is logged"
    )
    model: str = Field("compact", description="model that new libraries use")
    rate: float = Field(1.0, gt=0, le=30, description="sampled frames per second of video")
    allowed_folders: str = Field(
        "", description="folders, joined by the path separator, that path boxes may read"
    )

    user_header: str = Field(
        "", description="request header in which a trusted proxy names the user of the dashboard"
    )
    users: str = Field(
        "",
        description="who may log in: e-mail addresses or @domains, joined by commas; empty:"
        " everybody whom the provider of the login lets in",
    )
    allow_network: bool = Field(False, description="whether links may be followed (search LINK)")

    catalogue: SecretStr = Field(
        SecretStr(""),
        description="postgresql+psycopg://USER:PASSWORD@HOST/DATABASE that holds the catalogues of"
        " new libraries; empty: a file in each library's folder",
    )
    store: str = Field(
        "",
        description="URL of fsspec where new libraries keep media and features, such as"
        " s3://BUCKET/PREFIX; empty: in their folders",
    )
    store_cache_bytes: int = Field(
        64 * 1024**3,
        ge=0,
        description="media and features of a store that stay in a library's folder, bytes;"
        " 0: no limit",
    )
    store_seconds: float = Field(
        20.0, gt=0, description="longest wait for an answer of the store, seconds"
    )
    engine: Literal["local", "processes", "ray"] = Field(
        "local",
        description="where videos are extracted and many of them compared: in this process, in"
        " several, or on Ray",
    )
    engine_processes: int = Field(
        0, ge=0, description="processes of the engine `processes`; 0: one per core"
    )
    ray: str = Field(
        "auto", description="address of the Ray cluster; auto: the one of this machine"
    )
    ray_gpus: float = Field(0.0, ge=0, description="share of a GPU that an extraction on Ray takes")
    index: Literal["embedded", "milvus"] = Field(
        "embedded", description="what searches frames: this process, or a Milvus server"
    )
    milvus: str = Field(
        "http://127.0.0.1:19530",
        description="address of the Milvus server, or a path ending in .db for milvus-lite",
    )
    milvus_token: SecretStr = Field(
        SecretStr(""), description="user:password or key of the Milvus server"
    )
    milvus_seconds: float = Field(
        20.0, gt=0, description="longest wait for an answer of the Milvus server, seconds"
    )
    milvus_shards: int = Field(1, ge=1, description="shards of a new collection in Milvus")

    max_file_bytes: int = Field(64 * 1024**3, gt=0, description="largest file decoded, bytes")
    max_copied_bytes: int = Field(
        2 * 1024**3, gt=0, description="largest file uploaded or copied into a library, bytes"
    )
    max_pixels: int = Field(4096 * 4096, gt=0, description="largest frame, pixels")
    max_side: int = Field(16384, gt=0, description="longest side of a frame, pixels")
    max_fps: float = Field(240.0, gt=0, description="highest frame rate taken")
    max_seconds: float = Field(24 * 3600.0, gt=0, description="longest video, seconds")
    max_frames: int = Field(90_000, gt=0, description="most sampled frames of one video")
    child_memory_bytes: int = Field(
        1536 * 1024**2, gt=0, description="memory of the decoding child"
    )
    child_wall_seconds: float = Field(
        1800.0, gt=0, description="longest decoding of one file, seconds"
    )
    child_idle_seconds: float = Field(
        20.0, gt=0, description="longest time without a new frame, seconds"
    )
    max_queue: int = Field(1000, gt=0, description="most uploads waiting in one library")
    session_bytes: int = Field(4 * 1024**3, ge=0, description="query clips of one session, bytes")
    min_free_bytes: int = Field(
        512 * 1024**2, ge=0, description="free disk below which new work stops"
    )
    rerank_budget: int = Field(
        RERANK_BUDGET,
        ge=0,
        description="candidates that a search re-ranks, those of most evidence first; 0: all",
    )
    proof_seconds: float = Field(
        PROOF_SECONDS,
        ge=0,
        description="time that a search on the pages spends on proofs, seconds; 0: none",
    )
    threads: int = Field(0, ge=0, description="torch threads; 0 = all cores")
    runtime: Literal["torch", "openvino"] = Field(
        "torch", description="what runs the models' networks on a CPU"
    )
    precision: Literal["full", "reduced"] = Field(
        "full",
        description="arithmetic of networks and products; reduced is faster and has other features",
    )

    @property
    def most_copied(self) -> int:
        """Bytes of the largest file that is uploaded or copied: it must be decoded, too."""
        return min(self.max_copied_bytes, self.max_file_bytes)


@cache
def get_settings() -> Settings:
    """The settings of this process. Raises InputError that names a variable with a bad value."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"VISIL_DASH_{str(first['loc'][0]).upper()}"
        raise InputError(
            f"{name}={first['input']}",
            first["msg"][0].lower() + first["msg"][1:],
            "set the environment variable to another value, or unset it for the default",
        ) from error
