"""A library's media, features and reductions in a store of objects: any URL that fsspec opens.

    <VISIL_DASH_STORE>/<id of the library>/library.json
    .../media/<video_id>/original                               named by its sha256
    .../features/<extractor>/<video_id>/<sha256>.safetensors
    .../reductions/<extractor>/<reduction_id>/<sha256>.safetensors

The store holds the truth, and the library's folder is a cache of it with a budget. What the
catalogue acknowledges is in the store: an object is noted, uploaded, verified, and only then its
row is committed; a row is deleted before its object. Objects are named by their content and never
replaced by others, so whoever reads an older row still finds what it names.
"""
