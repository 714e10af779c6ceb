#!/bin/sh
# Draws docs/pictures/*.svg, a picture of each screen, from the committed sessions.
#
#     scripts/pictures.sh [PROGRAM]        default: target/release/llm2clip
#
# The same program and sessions give the same bytes.
set -eu
export LLM2CLIP_CONFIG=none
cd "$(dirname "$0")/.."
program=${1:-target/release/llm2clip}
tour=20261128-212300-tour-2d3428

draw() {
    name=$1
    screen=$2
    size=$3
    shift 3
    "$program" --sessions sessions --checkpoints checkpoints --quiet \
        replay "$tour" --frame "docs/pictures/$name.svg" --size "$size" --screen "$screen" "$@"
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
