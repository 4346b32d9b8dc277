"""Write weights.npz from Silero's own model file; needs the packages `onnx` and `silero-vad`, which nothing else does.

    python -m capture_validation.voice.make_weights silero_vad/data/silero_vad_16k_sequence.onnx

Layers are turned so that one product of matrices computes each; the spectrum's own weights are a Hann window and a
Fourier transform to the last bit of float32, and are left out.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

#: Gates of the recurrent layer in ONNX' order (enter, out, keep, cell) to ours (enter, keep, cell, out).
GATES = [slice(128 * gate, 128 * (gate + 1)) for gate in (0, 2, 3, 1)]


def turned(stored: dict[str, Any]) -> dict[str, Any]:
    """The layers as `network` multiplies them."""
    layers = {}
    for number in (1, 2, 3, 4):
        kernel = stored[f"encoder.{number - 1}.weight"].transpose(2, 1, 0)
        # The last layer sees a single place; what its outer weights would look at is padding.
        kernel = kernel[1:2] if number == 4 else kernel
        layers[f"{number}.weight"] = kernel.reshape(-1, kernel.shape[2])
        layers[f"{number}.bias"] = stored[f"encoder.{number - 1}.bias"]
    enter, memory, bias = (stored[f"onnx::LSTM_{number}"][0] for number in (209, 210, 211))
    layers["input.weight"] = np.concatenate([enter[gate] for gate in GATES]).T
    layers["input.bias"] = np.concatenate([(bias[:512] + bias[512:])[gate] for gate in GATES])
    layers["memory.weight"] = np.concatenate([memory[gate] for gate in GATES])
    layers["voice.weight"] = stored["output.weight"][0, :, 0]
    layers["voice.bias"] = stored["output.bias"][0]
    return {name: np.ascontiguousarray(values, np.float32) for name, values in layers.items()}


if __name__ == "__main__":
    import onnx
    from onnx import numpy_helper

    model = onnx.load(sys.argv[1])
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    np.savez(Path(__file__).with_name("weights.npz"), **turned(stored))
