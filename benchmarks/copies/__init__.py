"""Development benchmark: edited copies with ground truth, and how well a model finds them.

    python -m benchmarks.copies make --videos CLIPS --out SET --count 300 --groups TABLE.csv
    python -m benchmarks.copies distractors --photos PHOTOS --out MORE --count 1000
    python -m benchmarks.copies score --bench SET --videos CLIPS --library NEW --model compact
        --distractors MORE

CLIPS is any folder of videos, NEW a folder that does not exist yet. TABLE.csv (file, group, role,
basis) lists copies of each other and look-alikes; `tables/development.csv` is an example. A fifth
of the clips without relatives is kept out of the references, as footage to embed copies in.

`distractors` makes unrelated clips of photos moved by pan and zoom, which `score` adds to the
library, so that it is seen how far the candidate stage narrows a collection.

`score` prints one table: the model by hierarchical and by exhaustive search, frame hashes, and with
`--teacher` and `--photos` an ImageNet network without further training. Figures are mAP, uAP,
recall@1, recall at 90 % precision, F1 of segments, recall of the candidate stage and the share of
unrelated videos that it admits, overall and by strength and kind of edit.
"""
