"""mini_voices: a synthetic corpus of many speakers for x-vectors, spoken by espeak-ng; reproducible.

A speaker is a voice variant of espeak-ng, an accent, a vocal tract length, a mean pitch and a mean rate. The variants
of mini_iemocap are excluded, and training and test split share none. Each speaker speaks with every emotion, each time
with another text, noise and channel: only the voice identifies the speaker.
"""

import random
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mscnn.audio.pcm import write_wav
from mscnn.data.datadir import DataDir
from mscnn.files import written_to
from mscnn.log import progress
from mscnn.stamp import Stamp
from mscnn.synthetic.espeak import Espeak, versions
from mscnn.synthetic.speech import PROSODY, RATE, apply_vocal_effort, synthesise

SOURCES = ("mscnn.synthetic.mini_voices", "mscnn.synthetic.speech", "mscnn.synthetic.espeak", "mscnn.audio.pcm")
TABLES = ("wav.scp", "text", "utt2spk", "utt2emo", "utt2dur", "spk2voice")
EMOTIONS = ("ang", "exc", "hap", "neu", "sad", "xxx")
# Silence affects the mean that is subtracted from the features: training needs utterances with much and with little.
MAX_PAUSE_S = 1.5  # before and after the speech
NOISE_DB = (-95, -50)  # level of the background noise, full scale = 0
EMOTION_STD = 0.9  # standard deviation of arousal and valence between utterances with the same emotion

ACCENTS = ("gmw/en", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-gb-x-rp", "en-us", "en-us-nyc", "en-029")
# Variants of espeak-ng, without those of mini_iemocap, those that are nearly equal to another (klatt6 to adam, edward2
# to edward, RicishayMax to max, steph2 to steph), and those without voicing (whisper, whisperf).
VARIANTS = {
    "train": [
        "Alex", "Andrea", "Andy", "Annie", "AnxiousAndy", "Demonic", "Denis", "Gene", "Hugo", "Jacky", "Lee",
        "Michael", "Mike", "Nguyen", "Reed", "RicishayMax2", "Tweaky", "UniRobot", "anika", "announcer",
        "aunty", "belinda", "boris", "caleb", "croak", "david", "f4", "grandma", "grandpa", "ian", "john",
        "kaukovalta", "klatt3", "klatt5", "m1", "m2", "m4", "m5", "m8", "max", "michel", "norbert", "pablo",
        "pedro", "robert", "robosoft", "robosoft5", "robosoft6", "sandro", "shelby", "travis", "victor",
    ],
    "test": [
        "Alicia", "Diogo", "Marco", "Mario", "Storm", "ed", "f3", "gustave", "iven", "klatt", "linda", "m3",
        "m7", "mike2", "paul", "quincy", "steph",
    ],
}  # fmt: skip
SPEAKERS_PER_VARIANT = {"train": 5, "test": 2}
UTTERANCES_PER_SPEAKER = 10
TRACT_RANGE = (0.82, 1.22)

# {a|b} is a choice; all phonemes of English occur.
SENTENCES = (
    "{The|My|Her|Our} {old|young|quiet|thin|jealous} {sailor|teacher|judge|cook|neighbour} "
    "{bought|measured|washed|hid} {the|a} {yellow|huge|rough|fine} {jacket|cage|bowl|wheel}.",
    "{Both|Five|These|Three} {boys|fishes|vultures|pigeons|women} {followed|chased|watched|heard} {the|a} "
    "{noisy|broken|shining|distant} {boat|engine|train|church bell}.",
    "{Why|When|Where} {should|could|did} {we|they|the others} {choose|leave|paint|enjoy} {it|the house|this village}?",
    "{In|After|Before} the {spring|third hour|storm|war} {all|few|many} {roads|letters|voices} {grew|stayed|became} "
    "{short|cold|dangerous|usual}.",
    "{Put|Throw|Bring} {your|the} {oily|thick|shabby|golden} {cloth|shoes|toy|measure} {under|beside|through} "
    "the {garage|kitchen|joint|arch} {door|window}.",
    "{She|He|George|Ruth} {thought|joked|whispered|argued} {about|of} {azure|vague|unusual|cheap} "
    "{skies|oranges|journeys|television}.",
    "{Vera|Joyce|Hugh|The lawyer} {gave|showed|owed} {us|them|me} {fresh|zesty|raw|sour} {fish|cherries|yoghurt|beef} "
    "and {a bathing suit|thirty views|half the youth|good measure}.",
    "{Go|Look|Run} {home|away|there}, {usually|perhaps|maybe} {they|you} {will|would} {be|feel} {happy|sure|awake} "
    "{now|soon|by the fire}.",
)


@dataclass(frozen=True)
class Voice:
    """A speaker.

    Attributes:
        variant, accent: names of espeak-ng.
        tract: factor of all frequencies, the effect of the vocal tract length.
        pitch: mean pitch, 0 to 100, as in espeak-ng.
        rate: mean rate, words per minute.
    """

    variant: str
    accent: str
    tract: float
    pitch: int
    rate: int


def voices(split: str, seed: int = 0) -> dict[str, Voice]:
    """The speakers of the split ``train`` or ``test``, by name."""
    speakers: dict[str, Voice] = {}
    shortest, longest = TRACT_RANGE
    for variant in VARIANTS[split]:
        rng = random.Random(f"{seed} {variant}")
        count = SPEAKERS_PER_VARIANT[split]
        for number, accent in enumerate(rng.sample(ACCENTS, count)):
            tract = shortest + (longest - shortest) * (number + rng.random()) / count
            voice = Voice(variant, accent, round(tract, 3), rng.randint(35, 65), rng.randint(150, 185))
            speakers[f"{split}{len(speakers):03d}"] = voice
    return speakers


def make(wavs: Path, out: Path, seed: int = 0) -> dict[str, int]:
    """Write the recordings under ``wavs`` and the data directories ``out``/train and ``out``/test.

    ``utt2emo`` has the emotion of each utterance, ``spk2voice`` the voice of each speaker. A corpus that is up to date
    is kept.

    Returns:
        number of utterances written per split; empty where the corpus is up to date.
    """
    options = {"out": str(out.absolute()), "seed": seed, "packages": versions()}
    stamp = Stamp(wavs / "made.json", options=options, code=SOURCES)
    if stamp.fresh():
        return {}
    with written_to(wavs):
        written = {split: _make_split(split, wavs / split, out / split, seed) for split in VARIANTS}
    stamp.write([*(path for paths in written.values() for path in paths), *(out / s / "utt2spk" for s in written)])
    return {split: len(paths) for split, paths in written.items()}


def speak(espeak: Espeak, voice: Voice, text: str, emotion: str, rng: random.Random) -> np.ndarray:
    """Synthesise a text with the prosody of an emotion, and a random microphone and background noise.

    Returns:
        (samples,) int16 at ``RATE``.
    """
    arousal, valence = (value + rng.gauss(0, EMOTION_STD) for value in PROSODY[emotion])
    speech = synthesise(
        espeak,
        text,
        f"{voice.accent}+{voice.variant}",
        arousal,
        valence,
        rng,
        pitch=voice.pitch,
        rate=voice.rate,
        tract=voice.tract,
    )
    tilt = 0.45 * arousal + rng.gauss(0, 0.2)  # vocal effort, and the microphone
    apply_vocal_effort(speech, tilt, 0.8, -30 + 6 * arousal + rng.gauss(0, 3))
    before, after = (round(RATE * rng.uniform(0.05, MAX_PAUSE_S)) for _ in range(2))
    recording = np.random.RandomState(rng.getrandbits(32)).standard_normal(before + len(speech) + after)
    recording *= 10 ** (rng.uniform(*NOISE_DB) / 20)
    recording[before : before + len(speech)] += speech
    return np.round(np.clip(recording, -1, 1) * 32767).astype("<i2")


def sentence(rng: random.Random) -> str:
    """A random sentence with varied phonemes."""
    return re.sub(r"\{([^}]*)\}", lambda match: rng.choice(match[1].split("|")), rng.choice(SENTENCES))


def _make_split(split: str, wavs: Path, data: Path, seed: int) -> list[Path]:
    """Write one split; returns its recordings."""
    tables: dict[str, dict[str, str]] = {name: {} for name in TABLES}
    speakers = voices(split, seed)
    for speaker, voice in progress(speakers.items(), total=len(speakers), desc=f"speakers ({split})"):
        tables["spk2voice"][speaker] = " ".join(f"{key}={value}" for key, value in vars(voice).items())
        espeak = Espeak(seed)  # one per speaker, so that speakers are independent of each other
        for number in range(UTTERANCES_PER_SPEAKER):
            emotion = EMOTIONS[number % len(EMOTIONS)]
            utt = f"{speaker}-{number:02d}-{emotion}"
            rng = random.Random(f"{seed} {utt}")
            text = " ".join(sentence(rng) for _ in range(2))
            samples = speak(espeak, voice, text, emotion, rng)
            path = wavs.absolute() / speaker / f"{utt}.wav"
            write_wav(path, samples, RATE)
            for name, value in zip(TABLES, (path, text, speaker, emotion, len(samples) / RATE), strict=False):
                tables[name][utt] = str(value)
    DataDir.write(data, tables)
    return [Path(path) for path in tables["wav.scp"].values()]
