"""Weights that others published: where they are, what pins them, what they must hold."""

from dataclasses import dataclass

from visil_dash.models.states import Layout

PCA_LAYOUT: Layout = {"mean": (3840,), "d": (3840,), "V": (3840, 3840)}


def head_layout(dim: int) -> Layout:
    """Names and shapes of the published `visil_head` for region vectors of `dim` channels.

    "comperator" is how the files spell it.
    """
    return {
        "attention.context_vector.weight": (1, dim),
        "video_comperator.conv1.weight": (32, 1, 3, 3),
        "video_comperator.conv1.bias": (32,),
        "video_comperator.conv2.weight": (64, 32, 3, 3),
        "video_comperator.conv2.bias": (64,),
        "video_comperator.conv3.weight": (128, 64, 3, 3),
        "video_comperator.conv3.bias": (128,),
        "video_comperator.fconv.weight": (1, 128, 1, 1),
        "video_comperator.fconv.bias": (1,),
    }


STUDENT_DIM = 512


def student_layout() -> Layout:
    """Names and shapes of the fine-grained attention students: Distill-and-Select's and S2VS."""
    comparator = {
        name.replace("video_comperator", "visil_head"): shape
        for name, shape in head_layout(STUDENT_DIM).items()
        if name.startswith("video_comperator")
    }
    return {
        "attention.transform.weight": (STUDENT_DIM, STUDENT_DIM),
        "attention.transform.bias": (STUDENT_DIM,),
        "attention.context_vector.weight": (1, STUDENT_DIM),
        **comparator,
    }


_VISIL_LICENCE = "Apache-2.0 (MKLab-ITI/visil)"
_VISIL_NOTE = "The publisher gives no hash and serves it over plain http."


@dataclass(frozen=True)
class WeightFile:
    """A published file. `sha256`: pinned by the project; None: nothing to check it against.

    `limit`: most bytes that are taken. `layout`: names and shapes of its tensors; None: checked
    when the model is built.
    """

    key: str
    filename: str
    url: str
    sha256: str | None
    bytes: int | None
    limit: int
    licence: str
    note: str
    layout: Layout | None = None


_RESNET50 = WeightFile(
    key="resnet",
    filename="resnet50-0676ba61.pth",
    url="https://download.pytorch.org/models/resnet50-0676ba61.pth",
    sha256="0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a",
    bytes=102_530_333,
    limit=102_530_333,
    licence="BSD-3-Clause (torchvision); trained on ImageNet, which is for research",
    note="ResNet-50, IMAGENET1K_V1. The file name carries the first 8 digits of its sha256.",
)
_PCA = WeightFile(
    key="pca",
    filename="pca_resnet50_vcdb_1M.pth",
    url="http://ndd.iti.gr/visil/pca_resnet50_vcdb_1M.pth",
    sha256=None,
    bytes=None,
    limit=128 * 1024**2,  # 59 MB as float32; room for float64
    licence=_VISIL_LICENCE,
    note=f"PCA of region vectors, fitted on VCDB. {_VISIL_NOTE}",
    layout=PCA_LAYOUT,
)
_HEAD = WeightFile(
    key="head",
    filename="visil.pth",
    url="http://ndd.iti.gr/visil/visil.pth",
    sha256=None,
    bytes=None,
    limit=8 * 1024**2,  # 0.4 MB
    licence=_VISIL_LICENCE,
    note=f"Attention and comparator of ViSiL_v. {_VISIL_NOTE}",
    layout=head_layout(3840),
)
_HEAD_SYMMETRIC = WeightFile(
    key="head",
    filename="visil_symmetric.pth",
    url="http://ndd.iti.gr/visil/visil_symmetric.pth",
    sha256=None,
    bytes=None,
    limit=8 * 1024**2,
    licence=_VISIL_LICENCE,
    note=f"Attention and comparator of the symmetric ViSiL. {_VISIL_NOTE}",
    layout=head_layout(512),
)
_NO_HASH = "The publisher gives no hash."


def _student(url: str, *, licence: str, note: str) -> WeightFile:
    """Head of a fine-grained attention student, under the last part of its address."""
    return WeightFile(
        key="head",
        filename=url.rpartition("/")[2],
        url=url,
        sha256=None,
        bytes=None,
        limit=16 * 1024**2,
        licence=licence,
        note=f"{note} {_NO_HASH}",
        layout=student_layout(),
    )


_DNS = _student(
    "https://mever.iti.gr/distill-and-select/models/dns_fg_att_student.pth",
    licence="Apache-2.0 (mever-team/distill-and-select)",
    note="Fine-grained attention student of Distill-and-Select.",
)
_S2VS_DNS = _student(
    "https://mever.iti.gr/s2vs/weights/s2vs_dns.pth",
    licence="MIT (gkordo/s2vs)",
    note="S2VS trained on DnS-100K.",
)
_S2VS_VCDB = _student(
    "https://mever.iti.gr/s2vs/weights/s2vs_vcdb.pth",
    licence="MIT (gkordo/s2vs)",
    note="S2VS trained on VCDB.",
)
_SSCD = WeightFile(
    key="backbone",
    filename="sscd_disc_mixup.torchvision.pt",
    url="https://dl.fbaipublicfiles.com/sscd-copy-detection/sscd_disc_mixup.torchvision.pt",
    sha256=None,
    bytes=None,
    limit=160 * 1024**2,
    licence="see facebookresearch/sscd-copy-detection: its terms changed over time",
    note=f"SSCD on ResNet-50, trained on DISC with mixup; plain tensors, no program. {_NO_HASH}",
)

MODEL_FILES: dict[str, tuple[WeightFile, ...]] = {
    "visil": (_RESNET50, _PCA, _HEAD),
    "visil-symmetric": (_RESNET50, _PCA, _HEAD_SYMMETRIC),
    "dns-attention": (_RESNET50, _PCA, _DNS),
    "s2vs-dns": (_RESNET50, _PCA, _S2VS_DNS),
    "s2vs-vcdb": (_RESNET50, _PCA, _S2VS_VCDB),
    "sscd": (_SSCD,),
}
