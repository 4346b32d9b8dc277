"""FFmpeg's own loudness meter, as a second opinion: another program's filter, gates and oversampling."""

import av
import numpy as np
from av.filter import Graph


def measured(samples: np.ndarray, rate: int) -> tuple[float, float]:
    """Integrated loudness (LUFS) and true peak (dBTP) of samples of shape (samples, channels), mono or stereo."""
    layout = "mono" if samples.shape[1] == 1 else "stereo"
    graph = Graph()
    source = graph.add_abuffer(format="flt", sample_rate=rate, layout=layout, time_base=f"1/{rate}")
    meter, sink = graph.add("ebur128", "peak=true:metadata=1"), graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    frame = av.AudioFrame.from_ndarray(samples.astype(np.float32).reshape(1, -1), format="flt", layout=layout)
    frame.sample_rate, frame.pts = rate, 0
    graph.push(frame)
    graph.push(None)
    last: dict[str, str] = {}
    while True:
        try:
            last = graph.pull().metadata or last
        except (av.BlockingIOError, av.EOFError):
            break
    peaks = [float(value) for key, value in last.items() if key.startswith("lavfi.r128.true_peaks_ch")]
    return float(last["lavfi.r128.I"]), 20 * float(np.log10(max(peaks)))
