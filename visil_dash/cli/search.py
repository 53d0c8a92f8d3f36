"""`search`, `compare` and `pairwise`: which videos share footage, and where."""

import argparse
import json
import sys
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visil_dash.cli.links import local_clips
from visil_dash.cli.options import clip_source, existing_path, new_file, whole_number, zero_or_more
from visil_dash.cli.shared import (
    DONE,
    REFUSED,
    add_command,
    add_engine_option,
    open_bench,
    open_bench_over,
    open_unread,
    print_line,
    read_text,
    require_features,
    require_videos,
    terminal_watch,
    write_text,
)
from visil_dash.errors import InputError, VisilDashError
from visil_dash.progress import Watch
from visil_dash.settings import PROOF_SECONDS, RERANK_BUDGET, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from visil_dash.labels.label import PairKey
    from visil_dash.library.store import Library
    from visil_dash.records import Comparison, Match, Proof, SearchResult, VideoRecord
    from visil_dash.workbench.bench import Workbench


def add_search_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    text = "which videos share footage with these clips, and where"
    search = add_command(commands, "search", _search, text, common)
    search.add_argument(
        "clips",
        nargs="*",
        type=clip_source,
        metavar="CLIP",
        help="a file, a video's id or name, or a link",
    )
    search.add_argument(
        "--list",
        type=existing_path,
        metavar="FILE",
        help="also search for the clips that this text file names, one a line",
    )
    search.add_argument("--csv", type=new_file, metavar="FILE", help="write all matches as CSV")
    search.add_argument("--exhaustive", action="store_true", help="compare with every video")
    search.add_argument(
        "--tag",
        action="append",
        default=[],
        metavar="TAG",
        help="search only videos with this tag; given again, with all of them",
    )
    add_engine_option(search, "an exhaustive search compares")
    search.add_argument(
        "--inside",
        choices=("auto", "always", "never"),
        default="auto",
        help="also search with parts of the clip's picture (picture in picture, collage) and with "
        "the picture turned, which takes thirteen times as long; auto, the default: when the "
        "whole picture has no match",
    )
    search.add_argument(
        "--same-shape",
        action="store_true",
        help="do not search for an upright clip as a part of wide pictures, nor for a wide one as "
        "a part of upright ones, which takes twice as long where the library holds such videos",
    )
    search.add_argument(
        "--threshold", type=zero_or_more, metavar="X", help="squared-L2 distance threshold"
    )
    search.add_argument(
        "--budget",
        type=whole_number(0),
        metavar="N",
        help="re-rank at most N candidates per clip, those of most evidence; 0: all (default"
        f" {RERANK_BUDGET})",
    )
    _add_proof(
        search, "spend at most X seconds per clip on verifying the best matches on the pixels"
    )
    search.add_argument("--top", type=whole_number(1), metavar="N", help="print only the best N")
    _add_pair_commands(commands, common)


def _add_pair_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    text = "compare one pair: scores in both directions, matched segments"
    compare = add_command(commands, "compare", _compare, text, common)
    compare.add_argument("a", type=clip_source)
    compare.add_argument("b", type=clip_source)
    _add_proof(compare, "verify the match on the pixels (any number but 0)")
    compare.add_argument(
        "--npz", type=new_file, metavar="FILE", help="write the similarity matrices"
    )
    text = "compare every video with every other"
    pairwise = add_command(commands, "pairwise", _pairwise, text, common)
    add_engine_option(pairwise, "videos are compared")
    pairwise.add_argument("--csv", type=new_file, metavar="FILE", help="write the scores as CSV")
    pairwise.add_argument(
        "--pairs",
        type=existing_path,
        metavar="FILE",
        help="compare only the pairs of this CSV file: query and reference, by name or id",
    )


def _add_proof(command: argparse.ArgumentParser, text: str) -> None:
    command.add_argument(
        "--proof",
        type=zero_or_more,
        metavar="X",
        help=f"{text}; 0: do not (default {PROOF_SECONDS:g}, or VISIL_DASH_PROOF_SECONDS)",
    )


def _search(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.exports.search import matches_csv, search_as_dict

    code, found = DONE, list["SearchResult"]()
    clips = [*given.clips, *(_clips_in(given.list) if given.list else ())]
    if not clips:
        raise InputError("search", "there is no clip to search for", "name clips, or --list FILE")
    if given.engine and not given.exhaustive:
        raise InputError("--engine", "is for searches of all videos", "add --exhaustive")
    watch = terminal_watch(given)
    with (
        open_unread(given, settings) as library,
        local_clips(clips, settings=settings, watch=watch) as local,
    ):
        results = _answers(given, library, local, watch=watch)
        for query, result in zip(clips, results, strict=True):
            if isinstance(result, VisilDashError):
                code = REFUSED
                print(f"refused   {result}", file=sys.stderr)
                continue
            found.append(result)
            if result.skipped:
                code = REFUSED
            if given.json:
                print(json.dumps(search_as_dict(result) | {"query": str(query)}), flush=True)
            else:
                _print_result(str(query), result)
    if given.csv is not None:
        write_text(given.csv, matches_csv(*found))
        print(f"matches of {len(found)} clips written to {given.csv}", file=sys.stderr)
    return code


def _answers(
    given: argparse.Namespace, library: "Library", clips: "Sequence[str | Path]", *, watch: Watch
) -> "Iterator[SearchResult | VisilDashError]":
    """One for each clip. No model is opened where all clips are refused; otherwise it is opened
    while the first of the others is being decoded."""
    from visil_dash.engines.begun import begin_reading, clip_refusal

    require_videos(library)
    refusals = [clip_refusal(clip, library) for clip in clips]
    first = next((c for c, error in zip(clips, refusals, strict=True) if error is None), None)
    if first is None:
        yield from filter(None, refusals)
        return
    model = given.model or library.settings.model
    file = first if isinstance(first, Path) else None
    begun = None if file is None else begin_reading(file, library=library, model=model)
    with begun or nullcontext(), open_bench_over(library, given) as bench:
        from visil_dash.matching.compiled import load_ahead
        from visil_dash.workbench.proving import proof_budget
        from visil_dash.workbench.questions import search_many

        require_features(bench)
        load_ahead()
        answers = search_many(
            bench,
            clips,
            begun={file: begun} if file is not None and begun is not None else {},
            threshold=given.threshold,
            exhaustive=given.exhaustive,
            inside=given.inside,
            other_shapes=not given.same_shape,
            budget=given.budget,
            tags=given.tag,
            top=given.top,
            proof_seconds=proof_budget(bench, given.proof),
            watch=watch,
        )
        yield from (answer.outcome for answer in answers)


def _clips_in(path: Path) -> list[str | Path]:
    """The clips that a text file names, one a line; blank lines and lines with # say nothing.

    A relative path counts from the file's own folder. Raises InputError.
    """
    clips: list[str | Path] = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        name = line.strip()
        if not name or name.startswith("#"):
            continue
        beside = path.parent / name
        try:
            clips.append(clip_source(str(beside) if beside.is_file() else name))
        except argparse.ArgumentTypeError as error:
            raise InputError(f"{path}, line {number}", str(error)) from error
    return clips


def _print_result(query: str, result: "SearchResult") -> None:
    from visil_dash.exports.search import rerank_line
    from visil_dash.matching.headline import not_searched

    seconds = sum(result.timings.values())
    count = len(result.matches)
    videos = f"{count} video" + ("" if count == 1 else "s")
    if result.identical_to:
        others = f"{count} other" + ("" if count == 1 else "s")
        videos = f"already in the library as {result.identical_to}; {others}"
    among = f"among {result.library_videos} tagged {', '.join(result.tags)}" if result.tags else ""
    facts = (videos, among, result.mode, f"{seconds:.2f} s", not_searched(result))
    print(f"{query}: {', '.join(filter(None, facts))}")
    if result.waiting:
        print(f"  note: {rerank_line(result)}; --budget N re-ranks more")
    for match in result.matches:
        print(_match_line(match))
        if match.proof is not None:
            print(f"        {_proof_line(match.proof)}")
        for s in match.segments:
            backwards = " backwards" if s.reversed else ""
            print(
                f"        {s.query_start:7.1f}-{s.query_end:.1f} s matches "
                f"{s.reference_start:.1f}-{s.reference_end:.1f} s of the reference{backwards}"
                f" ({s.score:.3f})"
            )
    for notice in result.notices:
        print(f"  note: {notice}")
    reasons = Counter(result.skipped.values())
    for reason, count in reasons.items():
        print(
            f"  missing: {count} of {result.library_videos} videos could not be searched: {reason}"
        )


def _proof_line(proof: "Proof") -> str:
    edits = f" Edits: {', '.join(proof.edits)}." if proof.edits else ""
    return f"{proof.state.value}: {proof.reason}{edits}"


def _match_line(match: "Match") -> str:
    from visil_dash.framing.views import BY_KEY
    from visil_dash.matching.verdict import confidence_text, verdict_of

    verdict = verdict_of(match)
    mark = "match" if verdict.is_match else "     "
    distance = "      -" if match.min_distance is None else f"{match.min_distance:7.3f}"
    segments = "     -" if match.part_score is None else f"{match.part_score:6.3f}"
    notes = f"  (by the {BY_KEY[match.view].of_query})" if match.view else ""
    confidence = confidence_text(verdict)
    if confidence is not None:
        notes += f"  confidence {confidence}"
    return (
        f"  {mark} {match.score:6.3f} reverse {match.reverse_score:6.3f} segments {segments}"
        f" distance {distance}  {match.name}: {verdict.label}{notes}"
    )


def _compare(given: argparse.Namespace, settings: Settings) -> int:
    with open_unread(given, settings) as library, _checked(given, library) as bench:
        from visil_dash.exports.search import comparison_as_dict
        from visil_dash.matching.verdict import verdict_of
        from visil_dash.workbench.proving import proof_budget, prove_pair

        require_features(bench)
        ids = []
        for side in (given.a, given.b):
            opened = bench.open_clip(side) if isinstance(side, Path) else bench.clip(side)
            ids.append(opened.query_id)
        pair, match_score = bench.compare(*ids), bench.match_score()
        if proof_budget(bench, given.proof) > 0:
            pair = prove_pair(bench, pair)
        verdict = verdict_of(pair)
        if given.npz is not None:
            _save_matrices(given.npz, pair)
        facts = comparison_as_dict(pair, match_score=match_score, model=bench.model.name)
        facts |= {"query": str(given.a), "reference": str(given.b)}
        lines = [
            f"{'match' if verdict.is_match else 'no match'} ({verdict.label}): "
            f"score {pair.score:.3f}, reverse {pair.reverse_score:.3f}, "
            f"match score {match_score:.3f}; "
            f"Chamfer alone {pair.chamfer:.3f}, reverse {pair.chamfer_reverse:.3f}"
        ]
        lines += [
            f"  {s.query_start:.1f}-{s.query_end:.1f} s matches {s.reference_start:.1f}-"
            f"{s.reference_end:.1f} s of the reference, speed {s.speed:.2f}"
            for s in pair.segments
        ]
        lines += [f"  {_proof_line(pair.proof)}"] if pair.proof is not None else []
        lines += [f"  note: {bench.model.notice}"] if not pair.verified else []
        print_line(given, "\n".join(lines), facts)
    return DONE


def _checked(given: argparse.Namespace, library: "Library") -> "Workbench":
    """The workbench for a comparison, unless a side of it is refused without a model."""
    from visil_dash.engines.begun import clip_refusal

    require_videos(library)
    for error in (clip_refusal(given.a, library), clip_refusal(given.b, library)):
        if error is not None:
            raise error
    return open_bench_over(library, given)


def _save_matrices(path: Path, pair: "Comparison") -> None:
    import numpy as np

    arrays: dict[str, Any] = {
        "frame_similarity": pair.frame_similarity,
        "frame_similarity_reverse": pair.frame_similarity_reverse,
        "query_times": pair.query_times,
        "reference_times": pair.reference_times,
    }
    if pair.visil_output is not None and pair.visil_output_reverse is not None:
        arrays["visil_output"] = pair.visil_output
        arrays["visil_output_reverse"] = pair.visil_output_reverse
    with path.open("wb") as file:  # a name without .npz is the user's choice
        np.savez_compressed(file, **arrays)


def _pairs_in(path: Path, videos: "Sequence[VideoRecord]") -> "dict[PairKey, None]":
    from visil_dash.labels.csv_file import read_pairs

    return dict.fromkeys(read_pairs(read_text(path), videos, name=path.name))


def _pairwise(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.safe_csv import to_csv

    with open_bench(given, settings) as bench:
        require_features(bench)
        only = _pairs_in(given.pairs, bench.videos()) if given.pairs else None
        table = bench.pairwise(only, watch=terminal_watch(given))
        rows: list[dict[str, Any]] = [
            {
                "query": q,
                "query_id": table.video_ids[i],
                "reference": r,
                "reference_id": table.video_ids[j],
                "score": float(table.scores[i, j]),
                "verified": table.verified,
            }
            for i, q in enumerate(table.names)
            for j, r in enumerate(table.names)
            if i != j and (only is None or (table.video_ids[i], table.video_ids[j]) in only)
        ]
        if not table.verified:
            print(f"note: {bench.model.notice}", file=sys.stderr)
        if given.csv is not None:
            in_words = [row | {"verified": str(table.verified).lower()} for row in rows]
            write_text(given.csv, to_csv(in_words))
            print(f"{len(rows)} pairs written to {given.csv}", file=sys.stderr)
        if given.json:
            for row in rows:
                print(json.dumps(row))
        elif given.csv is None:
            for row in sorted(rows, key=lambda r: -r["score"]):
                print(f"{row['score']:6.3f}  {row['query']}  in  {row['reference']}")
    return DONE
