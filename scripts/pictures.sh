#!/bin/sh
# Draws docs/pictures/*.svg, a picture of each screen, from the committed sessions.
#
#     scripts/pictures.sh [PROGRAM]        default: target/release/llm2clip
#
# The same program and sessions give the same bytes.
set -eu
cd "$(dirname "$0")/.."
program=${1:-target/release/llm2clip}
tour=20261124-090852-demo-301f37

draw() {
    name=$1
    screen=$2
    shift 2
    "$program" --sessions sessions --checkpoints checkpoints --quiet \
        replay "$tour" --frame "docs/pictures/$name.svg" --size 120x36 --screen "$screen" "$@"
}

draw runs runs
draw train train
draw compare compare
draw compare-anisotropy compare --keys "v"
draw inspect inspect --keys "d d d"
draw inspect-ranks inspect --keys "d v"
draw replay replay --from 150
draw system system
draw log log
