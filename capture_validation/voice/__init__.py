"""Whether somebody speaks: a small neural network, computed with NumPy alone.

The weights are those of Silero VAD 6.2 for 16 kHz (MIT, see LICENSE beside them). docs/decisions/0009 says why neither
ONNX Runtime nor PyTorch runs them.
"""

from capture_validation.voice.voices import Voices

__all__ = ["Voices"]
