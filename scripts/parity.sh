#!/bin/sh
# Holds every block and model to its Python reference and writes docs/parity.md.
#
#   scripts/parity.sh                        the committed goldens; needs no Python
#   scripts/parity.sh --regenerate PYTHON    first remakes them (torch, transformers, peft, safetensors, Pillow, gguf)
set -eu
cd "$(dirname "$0")/.."

if [ "${1:-}" = "--regenerate" ]; then
    python="${2:?which python? it needs torch, transformers, peft and safetensors}"
    for script in scripts/goldens/blocks.py scripts/goldens/models.py scripts/goldens/encoders.py; do
        if [ -f "$script" ]; then "$python" "$script"; fi
    done
elif [ $# -gt 0 ]; then
    echo "usage: scripts/parity.sh [--regenerate PYTHON]" >&2
    exit 2
fi

LLM2CLIP_PARITY_REPORT="$(mktemp)"
export LLM2CLIP_PARITY_REPORT
trap 'rm -f "$LLM2CLIP_PARITY_REPORT"' EXIT

# A case that differs too much must be in the table too, so the table is written before failing.
failed=0
for tests in tests/parity_*.rs; do
    name="$(basename "$tests" .rs)"
    cargo test --release --no-fail-fast --test "$name" -- --quiet >&2 || failed=1
done

# Without a build there is nothing to say, and the old table stays.
if [ ! -s "$LLM2CLIP_PARITY_REPORT" ]; then
    echo "no case was reported: did the tests build?" >&2
    exit 1
fi

# Models keep their versions in the golden's metadata, at its head; their cases are named `<golden>/<what>`.
versions="$(
    for golden in tests/golden/models/*.safetensors; do
        [ -f "$golden" ] || continue
        printf '%s\t' "$(basename "$golden" .safetensors)"
        LC_ALL=C sed -n '1{s/.*versions\\": {\([^}]*\)}.*/\1/;s/[\\":]//g;s/+[a-z0-9]*//g;p;q;}' "$golden"
    done
)"

processor="$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)"
{
    cat <<'HEAD'
# Parity with the Python references

Written by `scripts/parity.sh`. Every case was asked of a Python reference in float32; the answers lie in `tests/golden/`
(`scripts/goldens/README.md` says how). Compared are all outputs and the gradients of all inputs and parameters. The
difference is the largest absolute one over all tensors of a case, each over the largest magnitude of the reference's
tensor. `fused` is the kernel that training uses on a processor, `composed` its twin out of elementary operations.

HEAD
    echo "Statistics are held to \`scripts/check_statistics.py\`: numpy's own generator, resamples written out, tails of exact whole"
    echo "numbers. McNemar's test and Holm's correction agree to 1e-12; a limit of an interval lies within five standard errors of"
    echo "10,000 resamples of that script's quantile, under two seeds; a sign-flip p within five standard errors of the exact one"
    echo "(\`tests/statistics.rs\`)."
    echo
    echo "Processor: ${processor:-unknown}."
    echo
    cat scripts/goldens/layouts.md
    echo "| case | kind | path | largest difference | tolerance | reference |"
    echo "|---|---|---|---:|---:|---|"
    # Flat JSON objects, one a line, keys in any order: take each key by name. No value holds a quote.
    versions="$versions" awk '
        function text(key,  rest) {
            if (!match($0, "\"" key "\": *\"[^\"]*\"")) return "-"
            rest = substr($0, RSTART, RLENGTH)
            sub("^\"" key "\": *\"", "", rest); sub("\"$", "", rest)
            return rest
        }
        function number(key,  rest) {
            if (!match($0, "\"" key "\": *[-+0-9.eE]+")) return "-"
            rest = substr($0, RSTART, RLENGTH)
            sub("^\"" key "\": *", "", rest)
            return rest + 0
        }
        BEGIN {
            lines = split(ENVIRON["versions"], line, "\n")
            for (i = 1; i <= lines; i++) { split(line[i], part, "\t"); reference[part[1]] = part[2] }
        }
        BEGIN { split("block loss optimizer schedule model", kinds, " "); for (i in kinds) place[kinds[i]] = i }
        {
            kind = text("kind"); order = (kind in place) ? place[kind] : 9
            largest = number("largest_difference")
            split(text("case"), golden, "/")
            source = text("reference") != "-" ? text("reference") : (golden[1] in reference) ? reference[golden[1]] : "-"
            # A difference that is not finite is written as null.
            shown = largest == "-" ? "**not finite**" : largest == 0 ? "0" : sprintf("%.1e", largest)
            if (largest != "-" && largest > number("tolerance")) shown = "**" shown "**"
            printf "%s\t%s\t%s\t| `%s` | %s | %s | %s | %.0e | %s |\n", order, text("case"), text("path"),
                text("case"), kind, text("path"), shown, number("tolerance"), source
        }
    ' "$LLM2CLIP_PARITY_REPORT" | LC_ALL=C sort -t "$(printf '\t')" -k1,1 -k2,2 -k3,3r | cut -f 4
} > docs/parity.md.new
mv docs/parity.md.new docs/parity.md
echo "docs/parity.md: $(grep -c '^| `' docs/parity.md) rows" >&2
exit $failed
