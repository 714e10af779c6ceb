#!/usr/bin/env bash
# Type-checks the `cuda` build on a machine without a GPU or an installed CUDA toolkit.
#
# Needs python3 with venv and a package index: NVIDIA's compiler and headers come as wheels, into
# target/cuda-toolkit, about 1.5 GB. On a machine with a toolkit, set CUDA_HOME and nothing is fetched.
# What a check cannot say is whether the kernels run: that takes a GPU.
#
#   scripts/check_cuda.sh [cargo check's arguments]
set -euo pipefail
cd "$(dirname "$0")/.."

version=${CUDA_TOOLKIT_VERSION:-13.2.2}
if [ -z "${CUDA_HOME:-}" ]; then
  venv=target/cuda-toolkit
  if [ ! -e "$venv/complete-$version" ]; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet "cuda-toolkit[nvcc,cudart,nvrtc,cublas,curand,cccl]==$version"
    touch "$venv/complete-$version"
  fi
  CUDA_HOME=$(echo "$PWD/$venv"/lib/python3.*/site-packages/nvidia/cu13)
  # The wheels hold libraries under their full names; the linker asks for the short ones.
  for library in "$CUDA_HOME"/lib/lib*.so.*; do
    ln -sf "$(basename "$library")" "${library%%.so.*}.so"
  done
fi
export CUDA_HOME CUDA_PATH=$CUDA_HOME CUDA_ROOT=$CUDA_HOME
export PATH=$CUDA_HOME/bin:$PATH
# The kernels are compiled for this compute capability; 8.0 is the oldest with bf16.
export CUDA_COMPUTE_CAP=${CUDA_COMPUTE_CAP:-80}
# A folder of its own: the kernels take minutes, and other builds need not wait for them.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target/cuda}
exec cargo check --features cuda --locked "$@"
