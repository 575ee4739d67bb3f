"""Small videos with sound, as tests need them."""

from pathlib import Path

import numpy as np


def write_video(path: Path, samples: np.ndarray, rate: int, *, sound: bool = True, movflags: str = "") -> Path:
    """A video of some black pictures with the sound (channels, n), int16: PCM in .avi, AAC in .mp4 and the like."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(path, "w", options={"movflags": movflags} if movflags else {}) as container:
        pictures = container.add_stream("mpeg4", rate=25)
        pictures.width, pictures.height, pictures.pix_fmt = 16, 16, "yuv420p"
        if not sound:
            _mux(container, pictures, [av.VideoFrame(16, 16, "yuv420p")])
            return path
        layout = {1: "mono", 2: "stereo"}[len(samples)]
        track = container.add_stream("pcm_s16le" if path.suffix == ".avi" else "aac", rate=rate, layout=layout)
        _mux(container, pictures, [av.VideoFrame(16, 16, "yuv420p") for _ in range(3)])
        frames = []
        for start in range(0, samples.shape[1], 1024):
            block = np.ascontiguousarray(samples[:, start : start + 1024].T.reshape(1, -1))
            frames.append(av.AudioFrame.from_ndarray(block, format="s16", layout=layout))
            frames[-1].rate = rate
        _mux(container, track, frames)
    return path


def _mux(container, stream, frames) -> None:
    for frame in [*frames, None]:
        container.mux(stream.encode(frame))
