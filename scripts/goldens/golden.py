"""One golden file: what a reference was given and what it answered, as a small safetensors file.

Tensor names: `in.NAME` (inputs and parameters), `up.NAME` (upstream gradient of output NAME), `out.NAME` (outputs),
`grad.NAME` (gradient of `in.NAME`). Integers are I64, masks U8, everything else F32. The one metadata key `golden` holds
JSON: case, kind, reference (name and version of the packages that answered), and the constants of the case.
"""

import json
import pathlib
import zlib
from importlib import metadata

import torch
from safetensors.torch import save_file


class Golden:
    def __init__(self, case: str, kind: str, packages: tuple[str, ...] = ("torch",), **constants):
        self.case, self.kind, self.constants = case, kind, constants
        self.reference = ", ".join(f"{name} {metadata.version(name).split('+')[0]}" for name in packages)
        self.tensors: dict[str, torch.Tensor] = {}
        self.leaves: dict[str, torch.Tensor] = {}
        # One generator a case, so that adding a case changes no other.
        self.random = torch.Generator().manual_seed(zlib.crc32(case.encode()))

    def normal(self, *shape: int, scale: float = 1.0, shift: float = 0.0) -> torch.Tensor:
        return torch.randn(*shape, generator=self.random) * scale + shift

    def integers(self, high: int, *shape: int) -> torch.Tensor:
        return torch.randint(high, shape, generator=self.random)

    def give(self, name: str, tensor: torch.Tensor, grad: bool = True) -> torch.Tensor:
        """Record an input; with `grad` it becomes a leaf whose gradient `answer` records."""
        tensor = tensor.detach().clone()
        self.tensors[f"in.{name}"] = tensor.clone()
        if grad:
            tensor.requires_grad_(True)
            self.leaves[name] = tensor
        return tensor

    def answer(self, **outputs: torch.Tensor) -> None:
        """Record outputs; run backward from those that hang on a leaf with a random upstream gradient each."""
        roots, ups = [], []
        for name, value in outputs.items():
            self.tensors[f"out.{name}"] = value.detach().clone()
            if value.requires_grad:
                up = self.normal(*value.shape) if value.dim() else torch.tensor(0.75)
                self.tensors[f"up.{name}"] = up
                roots.append(value)
                ups.append(up)
        if roots:
            torch.autograd.backward(roots, ups)
        for name, leaf in self.leaves.items():
            self.tensors[f"grad.{name}"] = leaf.grad.clone()

    def save(self, folder: pathlib.Path) -> None:
        kinds = {torch.int64: torch.int64, torch.bool: torch.uint8}
        tensors = {k: v.to(kinds.get(v.dtype, torch.float32)).contiguous() for k, v in sorted(self.tensors.items())}
        about = {"case": self.case, "kind": self.kind, "reference": self.reference, "constants": self.constants}
        folder.mkdir(parents=True, exist_ok=True)
        save_file(tensors, folder / f"{self.case}.safetensors", metadata={"golden": json.dumps(about, sort_keys=True)})
