"""Development benchmark: edited copies with known truth, and how well a model finds them.

    python -m benchmarks.copies make --videos CLIPS --out SET --count 300 --groups TABLE.csv
    python -m benchmarks.copies score --bench SET --videos CLIPS --library NEW --model compact

CLIPS is any folder of videos, NEW one that is not there yet. TABLE.csv (file, group, role, basis)
says which of them are copies of each other or look-alikes; `tables/development.csv` is an example.
A fifth of the clips without relatives is kept out of the references, to hide copies in. `score`
prints one table: the model by the hierarchical and the exhaustive search, frame hashes, and with
`--teacher` and `--photos` an ImageNet network without training; mAP, uAP, recall@1, recall at 90 %
precision, F1 of segments and recall of the candidate stage, overall and by strength and kind of
edit.
"""
