"""Predictions for many clients by one model: requests that arrive within a few milliseconds are one batch."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from mscnn.audio.blocks import AudioArray
from mscnn.inference.result import Result

if TYPE_CHECKING:
    from mscnn.inference.predictor import Predictor

MOST = 32  # recordings in a batch
WAIT = 0.004  # s that a batch stays open after its first recording


Waiting = tuple[Any, str | None, "asyncio.Future[Result]"]


class Batches:
    """A queue in front of a model. One thread predicts; what arrives meanwhile is the next batch."""

    def __init__(self, model: Predictor) -> None:
        self._model = model
        self._queue: asyncio.Queue[Waiting] = asyncio.Queue()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="predict")

    async def predict(self, audio: str | AudioArray, text: str | None = None) -> Result:
        """Result of a recording, a path or an ``AudioArray``; raises UserError where it cannot be used."""
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        await self._queue.put((audio, text, answer))
        return await answer

    async def run(self) -> None:
        """Predict what is in the queue, until the task is cancelled."""
        try:
            while True:
                batch = [one for one in await self._next() if not one[2].cancelled()]
                if batch:
                    await asyncio.get_running_loop().run_in_executor(self._thread, self._answer, batch)
        finally:
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def _next(self) -> list[Waiting]:
        batch = [await self._queue.get()]
        await asyncio.sleep(WAIT)
        while len(batch) < MOST and not self._queue.empty():
            batch.append(self._queue.get_nowait())
        return batch

    def _answer(self, batch: Sequence[Waiting]) -> None:
        """Give each of a batch its answer; after an unexpected error each is tried alone, so that one has it only."""
        try:
            answers = self._model.predict_many(
                [audio for audio, _, _ in batch], [text for _, text, _ in batch], errors="return"
            )
        except Exception as error:
            if len(batch) > 1:
                for one in batch:
                    self._answer([one])
            else:
                _settle(batch[0][2], error)
            return
        for (_, _, future), answer in zip(batch, answers, strict=True):
            _settle(future, answer)


def _settle(future: asyncio.Future[Result], answer: Result | Exception) -> None:
    def settle() -> None:
        with contextlib.suppress(asyncio.InvalidStateError):  # the client has gone
            future.set_exception(answer) if isinstance(answer, Exception) else future.set_result(answer)

    future.get_loop().call_soon_threadsafe(settle)
