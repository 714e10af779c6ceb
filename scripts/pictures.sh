#!/bin/sh
# Draws docs/pictures/*.svg from the committed session `tour`: a picture of each screen, and a chart.
#
#     scripts/pictures.sh [PROGRAM [FOLDER]]        default: target/release/llm2clip docs/pictures
#
# The same program and session give the same bytes; tests/docs_pictures.rs holds the committed ones to
# what this draws.
set -eu
cd "$(dirname "$0")/.."
program=${1:-target/release/llm2clip}
pictures=${2:-docs/pictures}
tour=20261128-212300-tour-2d3428

# A copy, without what was done with the session on this machine.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/sessions" "$work/checkpoints"
cp -R "sessions/$tour" "$work/sessions"
rm -f "$work/sessions/$tour"/ui-*.jsonl

# Nothing of who draws counts: no settings, no colours, no language.
run() {
    env -i PATH="$PATH" LLM2CLIP_CONFIG=none "$program" --quiet \
        --sessions "$work/sessions" --checkpoints "$work/checkpoints" "$@"
}

draw() {
    name=$1
    screen=$2
    size=$3
    shift 3
    run replay "$tour" --frame "$pictures/$name.svg" --size "$size" --screen "$screen" "$@"
}

draw runs runs 120x36
draw train train 120x36
draw compare compare 120x36
draw compare-anisotropy compare 120x36 --keys "v"
draw inspect inspect 160x48 --keys "d d d d j j j j j"
draw inspect-ranks inspect 120x36 --keys "d d v"
draw replay replay 120x36 --from 150
draw system system 120x36
draw log log 120x36

# The chart is none of the screens: `export` writes one for each measure of each result.
run export "$tour" --formats svg --out "$work/charts"
cp "$work/charts/caption-1-recall@1.svg" "$pictures/caption-retrieval.svg"
